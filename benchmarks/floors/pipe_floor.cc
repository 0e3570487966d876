// What two pipes to a child cost at least: a message there and back, by its
// size and by the size of the pipes.
//
//   pipe_floor [--quick] --only=roundtrip|echo

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure.h"
#include "multiproc/benchmarks/floors/raw_process.h"

ABSL_FLAG(std::string, only, "", "Measure only this: roundtrip or echo.");

namespace multiproc {
namespace {

constexpr int kDefaultPipeBytes = 64 << 10;
constexpr int kLargePipeBytes = 1 << 20;

// Both sides know the size.
void ServePingPong(int in, int out, size_t size) {
  std::vector<char> message(size);
  while (ReadExactly(in, message.data(), size)) {
    WriteExactly(out, message.data(), size);
  }
}

CallTimes TimePingPong(size_t size) {
  const PipedChild child(
      0, [=](int in, int out) { ServePingPong(in, out, size); });
  std::vector<char> message(size, 'x');
  const auto call = [&] {
    WriteExactly(child.to(), message.data(), size);
    ReadExactly(child.from(), message.data(), size);
  };
  TimeCalls(RepetitionTime() / 4, 100, call);
  return TimeCalls(RepetitionTime(), 100, call);
}

void MeasureRoundTrip(size_t size, bool same_cpu) {
  std::optional<OnOneCpu> on_one_cpu;
  if (same_cpu) on_one_cpu.emplace();
  std::vector<CallTimes> repetitions;
  for (int i = 0; i < Repetitions(); ++i) {
    repetitions.push_back(TimePingPong(size));
  }
  Figure figure{"floor_roundtrip", "c_floor"};
  figure.parameters = {{"chan", "pipe"},
                       {"size", absl::StrCat(size)},
                       {"pipe", absl::StrCat(kDefaultPipeBytes)},
                       {"place", same_cpu ? "same" : "free"}};
  PrintCallTimes(figure, "rt_per_s", repetitions);
}

// Where messages are read to: memory that is kept from one to the next, or that
// is new for each, as it is where a program is given every result for itself.
enum class Memory { kKept, kFresh };

class MessageBuffer {
 public:
  explicit MessageBuffer(Memory memory) : memory_(memory) {}

  char* Resize(size_t size) {
    if (memory_ == Memory::kFresh) bytes_ = std::vector<char>();
    if (bytes_.size() < size) bytes_.resize(size);
    return bytes_.data();
  }

 private:
  const Memory memory_;
  std::vector<char> bytes_;
};

// The length comes first; the whole message is read, and then written back.
void ServeEcho(int in, int out, Memory memory) {
  MessageBuffer buffer(memory);
  uint64_t size = 0;
  while (ReadExactly(in, &size, sizeof(size))) {
    char* const message = buffer.Resize(size);
    ReadExactly(in, message, size);
    WriteExactly(out, &size, sizeof(size));
    WriteExactly(out, message, size);
  }
}

double EchoMegabytesPerSecond(size_t size, int pipe_bytes, Memory memory) {
  const PipedChild child(pipe_bytes,
                         [=](int in, int out) { ServeEcho(in, out, memory); });
  const std::vector<char> request(size, 'x');
  MessageBuffer response(memory);
  const auto call = [&] {
    uint64_t length = size;
    WriteExactly(child.to(), &length, sizeof(length));
    WriteExactly(child.to(), request.data(), size);
    ReadExactly(child.from(), &length, sizeof(length));
    ReadExactly(child.from(), response.Resize(size), size);
  };
  call();
  const CallTimes times = TimeCalls(RepetitionTime(), 2, call);
  return times.per_second() * static_cast<double>(size) / 1e6;
}

void MeasureEcho(size_t size, int pipe_bytes, Memory memory) {
  std::vector<double> samples;
  for (int i = 0; i < EchoRepetitions(size); ++i) {
    samples.push_back(EchoMegabytesPerSecond(size, pipe_bytes, memory));
  }
  Figure figure{"payload_echo", "c_floor_pipe"};
  figure.parameters = {{"size", absl::StrCat(size)},
                       {"pipe", absl::StrCat(pipe_bytes)},
                       {"memory", memory == Memory::kKept ? "kept" : "fresh"},
                       {"place", "free"}};
  figure.metric = "bandwidth";
  PrintFigure(figure, samples);
}

void MeasureRoundTrips() {
  for (const bool same_cpu : {false, true}) {
    for (const size_t size : {64, 1024}) MeasureRoundTrip(size, same_cpu);
  }
}

void MeasureEchoes() {
  for (const size_t size : {1 << 10, 1 << 20, 64 << 20}) {
    for (const int pipe_bytes : {kDefaultPipeBytes, kLargePipeBytes}) {
      MeasureEcho(size, pipe_bytes, Memory::kKept);
    }
    MeasureEcho(size, kLargePipeBytes, Memory::kFresh);
  }
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const std::string only = absl::GetFlag(FLAGS_only);
  if (only != "echo") multiproc::MeasureRoundTrips();
  if (only != "roundtrip") multiproc::MeasureEchoes();
}
