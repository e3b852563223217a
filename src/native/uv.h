// The few functions of libuv that the addon calls, declared here because Node ships without its
// headers on many machines. Node exports them; their ABI is fixed for all of libuv 1.x.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {
struct uv_loop_s;
struct uv_handle_s;
using uv_poll_cb = void (*)(uv_handle_s *handle, int status, int events);
using uv_check_cb = void (*)(uv_handle_s *handle);
using uv_close_cb = void (*)(uv_handle_s *handle);

size_t uv_handle_size(int type);
void *uv_handle_get_data(const uv_handle_s *handle);
void uv_handle_set_data(uv_handle_s *handle, void *data);
int uv_poll_init(uv_loop_s *loop, uv_handle_s *handle, int fd);
int uv_poll_start(uv_handle_s *handle, int events, uv_poll_cb cb);
int uv_poll_stop(uv_handle_s *handle);
int uv_check_init(uv_loop_s *loop, uv_handle_s *handle);
int uv_check_start(uv_handle_s *handle, uv_check_cb cb);
void uv_unref(uv_handle_s *handle);
uint64_t uv_now(const uv_loop_s *loop);
// Nanoseconds that the loop waited for events; Node has every loop count them.
uint64_t uv_metrics_idle_time(uv_loop_s *loop);
void uv_close(uv_handle_s *handle, uv_close_cb cb);
}

// Values of enum uv_handle_type and enum uv_poll_event.
constexpr int kUvCheck = 2;
constexpr int kUvPoll = 8;
constexpr int kUvReadable = 1;
