// A member of a cluster by HashiCorp's own memberlist, driven by lines on its standard input.
//
//	best NAME TEXT      sends TEXT in a datagram
//	reliable NAME TEXT  sends TEXT over a connection
//	leave               leaves, and ends
//
// What it hears is said on standard output, one line each: `joined NAME`, `left NAME`,
// `heard TEXT`.
package main

import (
	"bufio"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

type delegate struct {
	meta []byte
	say  func(string, ...interface{})
}

func (d *delegate) NodeMeta(limit int) []byte                  { return d.meta }
func (d *delegate) NotifyMsg(message []byte)                   { d.say("heard %s", message) }
func (d *delegate) GetBroadcasts(overhead, limit int) [][]byte { return nil }
func (d *delegate) LocalState(join bool) []byte                { return nil }
func (d *delegate) MergeRemoteState(state []byte, join bool)   {}

func (d *delegate) NotifyJoin(node *memberlist.Node)   { d.say("joined %s", node.Name) }
func (d *delegate) NotifyLeave(node *memberlist.Node)  { d.say("left %s", node.Name) }
func (d *delegate) NotifyUpdate(node *memberlist.Node) {}

func main() {
	name := flag.String("name", "go-peer", "name among the members")
	key := flag.String("key", "", "base64 of the key")
	meta := flag.String("meta", "", "metadata")
	join := flag.String("join", "", "address to join")
	flag.Parse()
	secret, err := base64.StdEncoding.DecodeString(*key)
	if err != nil {
		log.Fatal(err)
	}
	var lock sync.Mutex
	say := func(format string, words ...interface{}) {
		lock.Lock()
		defer lock.Unlock()
		fmt.Printf(format+"\n", words...)
	}
	ears := &delegate{meta: []byte(*meta), say: say}
	config := memberlist.DefaultLANConfig()
	config.Name = *name
	config.BindAddr = "127.0.0.1"
	config.BindPort = 0
	config.AdvertiseAddr = "127.0.0.1"
	config.SecretKey = secret
	config.Delegate = ears
	config.Events = ears
	config.LogOutput = io.Discard
	list, err := memberlist.Create(config)
	if err != nil {
		log.Fatal(err)
	}
	say("port %d", list.LocalNode().Port)
	if *join != "" {
		if _, err := list.Join([]string{*join}); err != nil {
			log.Fatal(err)
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		words := strings.SplitN(lines.Text(), " ", 3)
		if words[0] == "leave" {
			_ = list.Leave(2 * time.Second)
			break
		}
		for _, member := range list.Members() {
			if len(words) < 3 || member.Name != words[1] {
				continue
			}
			if words[0] == "best" {
				err = list.SendBestEffort(member, []byte(words[2]))
			} else {
				err = list.SendReliable(member, []byte(words[2]))
			}
			say("sent %v", err == nil)
		}
	}
	_ = list.Shutdown()
}
