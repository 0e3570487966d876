// The measuring of the peers in C++ that start programs. Built by compare, at
// the time of the run, with whatever compiler and library there are: it needs
// nothing but the standard library.
//
//   int main(int argc, char** argv) {
//     MeasureSpawns(argc, argv, "libuv", "uv_spawn", [&] { ... });
//   }

#ifndef MULTIPROC_BENCHMARKS_PEERS_SPAWN_PEER_H_
#define MULTIPROC_BENCHMARKS_PEERS_SPAWN_PEER_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

inline double MedianOf(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

// The median of microseconds for a call, over `seconds` and five calls.
template <typename Call>
double MedianMicroseconds(double seconds, const Call& call) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> took;
  const Clock::time_point start = Clock::now();
  Clock::time_point before = start;
  while (std::chrono::duration<double>(before - start).count() < seconds ||
         took.size() < 5) {
    call();
    const Clock::time_point now = Clock::now();
    took.push_back(
        std::chrono::duration<double, std::micro>(now - before).count());
    before = now;
  }
  return MedianOf(took);
}

inline void PrintP50(const char* who, const char* how, size_t mib,
                     const std::vector<double>& samples) {
  const auto [min, max] = std::minmax_element(samples.begin(), samples.end());
  std::printf(
      "{\"item\":\"spawn\",\"who\":\"%s\",\"p\":{\"how\":\"%s\","
      "\"rss_mib\":%zu},\"metric\":\"p50\",\"unit\":\"us\",\"median\":%g,"
      "\"min\":%g,\"max\":%g,\"iqr\":%g,\"n\":%zu}\n",
      who, how, mib, MedianOf(samples), *min, *max, *max - *min,
      samples.size());
  std::fflush(stdout);
}

// `call` starts /bin/true and waits for it; arguments: --quick, and
// --rss_mib=10,1024 for what this process has touched meanwhile.
template <typename Call>
void MeasureSpawns(int argc, char** argv, const char* who, const char* how,
                   const Call& call) {
  bool quick = false;
  std::string sizes = "10,1024";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") quick = true;
    if (argument.rfind("--rss_mib=", 0) == 0) sizes = argument.substr(10);
  }
  std::istringstream list(sizes);
  for (std::string size; std::getline(list, size, ',');) {
    const size_t mib = std::stoul(size);
    const std::vector<char> ballast(mib << 20, 1);
    std::vector<double> samples;
    for (int i = 0; i < (quick ? 3 : 7); ++i) {
      samples.push_back(MedianMicroseconds(quick ? 0.12 : 0.4, call));
    }
    PrintP50(who, how, mib, samples);
  }
}

#endif  // MULTIPROC_BENCHMARKS_PEERS_SPAWN_PEER_H_
