// libuv: uv_spawn, and the loop until the exit was seen.

#include <uv.h>

#include <cstdlib>

#include "spawn_peer.h"

int main(int argc, char** argv) {
  uv_loop_t* const loop = uv_default_loop();
  char name[] = "true";
  char* arguments[] = {name, nullptr};
  MeasureSpawns(argc, argv, "libuv", "uv_spawn", [&] {
    uv_process_t child;
    uv_process_options_t options{};
    options.file = "/bin/true";
    options.args = arguments;
    options.exit_cb = [](uv_process_t* exited, int64_t, int) {
      uv_close(reinterpret_cast<uv_handle_t*>(exited), nullptr);
    };
    if (uv_spawn(loop, &child, &options) != 0) std::exit(1);
    uv_run(loop, UV_RUN_DEFAULT);
  });
}
