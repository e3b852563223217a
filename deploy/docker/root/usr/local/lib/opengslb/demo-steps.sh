# What the scripts of the demos share. DEMO_PAUSE=0 goes on without waiting for a key.
#
# `expect` is what makes a demo a test: a thing that does not come to hold in time ends it.

say() { printf '\n# %s\n' "$*"; }

step() {
  say "$*"
  if [ "${DEMO_PAUSE:-1}" != 0 ]; then
    printf '(Enter) '
    read -r _
  fi
}

# Shows a command, then runs it.
run() {
  printf '$ %s\n' "$*"
  sh -c "$*"
}

# What is to be typed where the containers run; the reader does, or whoever runs the demo.
on_host() { printf '>>> on the host: %s\n' "$*"; }

# The addresses that are answered now, sorted, on one line. ASK is a command that asks once.
served() {
  for _ in 1 2 3 4 5 6; do $ASK; done | grep -E '^[0-9.]+$' | sort -u | tr '\n' ' ' | sed 's/ $//'
}

# expect SECONDS WHAT WANTED: the answers come to be those, within the time.
expect() {
  limit=$1
  what=$2
  wanted=$3
  began=$(date +%s)
  while [ "$(served)" != "$wanted" ]; do
    if [ $(($(date +%s) - began)) -ge "$limit" ]; then
      printf 'FAILED: %s: expected "%s", got "%s"\n' "$what" "$wanted" "$(served)"
      exit 1
    fi
    sleep 0.5
  done
  printf 'ok: %s: %s (after %s s)\n' "$what" "$wanted" "$(($(date +%s) - began))"
}

# expect_text WHAT PATTERN COMMAND…: what the command prints matches the pattern.
expect_text() {
  what=$1
  pattern=$2
  shift 2
  text=$("$@" 2>&1)
  if printf '%s' "$text" | grep -Eq -- "$pattern"; then
    printf 'ok: %s\n' "$what"
    return
  fi
  printf 'FAILED: %s: no "%s" in: %s\n' "$what" "$pattern" "$text"
  exit 1
}

# expect_ok WHAT COMMAND: shows the command and what it prints; it must succeed.
expect_ok() {
  printf '$ %s\n' "$2"
  if sh -c "$2"; then
    printf 'ok: %s\n' "$1"
    return
  fi
  printf 'FAILED: %s\n' "$1"
  exit 1
}
