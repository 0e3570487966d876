// Draws the Mandelbrot set: tiles of the picture in worker processes, in the
// order in which they are done, with a progress bar and a trace of it all. In
// Python: tqdm(Pool.imap_unordered(draw_tile, tiles), total=len(tiles)).
//
//   ./bazelw run //examples:mandelbrot -- --png=$PWD/m.png --trace=$PWD/m.json
//   ./bazelw run //tools:timeline -- $PWD/m.json $PWD/m.html

#include <algorithm>
#include <array>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/watch/progress_bar.h"
#include "multiproc/watch/trace_writer.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
// In angles, as a header of the system, for whose warnings nobody cares.
#include <stb_image_write.h>

ABSL_FLAG(int, workers, 0, "how many processes; 0 for one per CPU");
ABSL_FLAG(int, size, 1024, "width and height of the picture, in pixels");
ABSL_FLAG(int, depth, 2000, "how many steps a point may take to get away");
ABSL_FLAG(std::string, png, "",
          "where to write the picture; empty for nowhere");
ABSL_FLAG(std::string, trace, "", "where to write what the pool did");

constexpr int kTile = 64;

// The corner of a tile, the size of the whole picture, and --depth.
using Tile = std::array<int, 4>;

// From black, of points that never get away, to white.
uint8_t Shade(std::complex<double> c, int depth) {
  std::complex<double> z = 0;
  int step = 0;
  for (; step < depth && std::norm(z) <= 4; ++step) z = z * z + c;
  return static_cast<uint8_t>(step == depth ? 0 : 255 - 255 / (1 + step));
}

// The pixels, row by row, and where they belong.
std::pair<Tile, std::string> DrawTile(const Tile& tile) {
  const auto [left, top, size, depth] = tile;
  std::string pixels;
  for (int y = top; y < std::min(top + kTile, size); ++y) {
    for (int x = left; x < std::min(left + kTile, size); ++x) {
      const std::complex<double> point(2.5 * x / size - 1.9,
                                       2.5 * y / size - 1.25);
      pixels += static_cast<char>(Shade(point, depth));
    }
  }
  return {tile, pixels};
}
MULTIPROC_FUNCTION(DrawTile);

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  absl::ParseCommandLine(argc, argv);
  const int size = std::max(absl::GetFlag(FLAGS_size), 1);
  std::vector<Tile> tiles;
  for (int i = 0; i < size; i += kTile) {
    for (int j = 0; j < size; j += kTile) {
      tiles.push_back({j, i, size, absl::GetFlag(FLAGS_depth)});
    }
  }
  multiproc::ProgressBar bar;
  bar.set_total(tiles.size());
  std::unique_ptr<multiproc::TraceWriter> trace;
  if (const std::string path = absl::GetFlag(FLAGS_trace); !path.empty()) {
    auto created = multiproc::TraceWriter::Create(path);
    if (!created.ok()) return Fail(created.status());
    trace = *std::move(created);
  }
  multiproc::ProcessPoolOptions options;
  options.num_workers = absl::GetFlag(FLAGS_workers);
  options.observers = {&bar, trace.get()};
  auto pool = multiproc::ProcessPool::Create(options);
  if (!pool.ok()) return Fail(pool.status());
  std::string picture(static_cast<size_t>(size) * size, '\0');
  for (const auto& drawn : (*pool)->IMapUnordered(DrawTile, tiles)) {
    if (!drawn.ok()) return Fail(drawn.status());
    const auto& [tile, pixels] = *drawn;
    const int width = std::min(kTile, size - tile[0]);
    for (size_t i = 0; i < pixels.size(); ++i) {
      const size_t x = tile[0] + i % width, y = tile[1] + i / width;
      picture[y * size + x] = pixels[i];
    }
  }
  *pool = nullptr;  // The trace has all of it, and the bar its last numbers.
  bar.Finish();
  const std::string png = absl::GetFlag(FLAGS_png);
  if (!png.empty() &&
      stbi_write_png(png.c_str(), size, size, 1, picture.data(), size) == 0) {
    return Fail(absl::UnavailableError(png + " can't be written"));
  }
  return trace == nullptr || trace->Finish().ok() ? 0 : 1;
}
