// What a worker does with any bytes on its request pipe: it answers each
// request that it is to run, once, in order, with what the function gives, and
// ends with the right status.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>  // NOLINT(build/c++11)
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/shared_memory.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/packed_bytes.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/answer_journal.h"
#include "multiproc/pool/current_task.h"
#include "multiproc/pool/frame_reader.h"
#include "multiproc/pool/serve_tasks.h"
#include "multiproc/pool/worker_memory.h"
#include "multiproc/proto/task.pb.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// What the worker has to offer. The results depend on the arguments alone.

std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

uint32_t Sum(uint32_t a, const std::vector<uint32_t>& rest) {
  for (const uint32_t b : rest) a += b;
  return a;
}
MULTIPROC_FUNCTION(Sum);

absl::StatusOr<int32_t> EvenOnly(int32_t number) {
  if (number % 2 == 0) return number;
  if (number > 0) return absl::NotFoundError(absl::StrCat("odd: ", number));
  throw std::runtime_error("odd, and negative");
}
MULTIPROC_FUNCTION(EvenOnly);

std::string Great(uint16_t size) { return std::string(size, 'g'); }
MULTIPROC_FUNCTION(Great);

void Nothing() {}
MULTIPROC_FUNCTION(Nothing);

// A great one is not copied into the answer.
std::vector<absl::Cord> Cords(uint16_t size, const absl::Cord& cord) {
  return {cord, absl::Cord(std::string(size, 'c')), cord};
}
MULTIPROC_FUNCTION(Cords);

void Watch(bool report) {
  const CurrentTask task;
  if (task.cancelled() || task.time_left() < absl::ZeroDuration()) return;
  if (report) task.ReportProgress(task.label());
}
MULTIPROC_FUNCTION(Watch);

// Calls of `fn` without arguments: one, and one that goes on behind errors.
template <typename F>
void AddCalls(F fn, std::vector<FunctionCall>* calls) {
  const function_internal::Registration* const function =
      *function_internal::FindRegistration(function_internal::KeyOf(fn));
  calls->push_back(ToProto({function, ""}));
  calls->push_back(ToProto({function->continuing, ""}));
}

const std::vector<FunctionCall>& Calls() {
  static const auto* const all = [] {
    auto* const calls = new std::vector<FunctionCall>;
    AddCalls(Same, calls);
    AddCalls(Sum, calls);
    AddCalls(EvenOnly, calls);
    AddCalls(Great, calls);
    AddCalls(Nothing, calls);
    AddCalls(Watch, calls);
    AddCalls(Cords, calls);
    return calls;
  }();
  return *all;
}

// ---- The input ----

struct Input {
  WorkerConfig config;
  bool dismissed = false;
  // How often the parent has taken back what it sent before.
  uint32_t closes = 0;
  std::string requests;
};

void AppendFrame(FrameType type, absl::string_view payload, std::string* to) {
  absl::StrAppend(to, MakeFrameHeader(type, payload.size()), payload);
}

TaskRequest MakeRequest(FuzzInput& in) {
  TaskRequest request;
  const uint8_t what = in.Byte();
  *request.mutable_call() = Calls()[what % 16 % Calls().size()];
  request.set_task_id(in.Byte());
  request.set_attached(what >= 0xc0);
  if (what & 0x20) request.set_count(in.Number(what & 0x10 ? 3 : ~uint64_t{0}));
  if (what & 0x10) {
    TaskRequest::Extras& extras = *request.mutable_extras();
    extras.set_wants_progress(in.Byte() % 2 == 1);
    extras.set_label(std::string(in.Piece()));
    extras.set_soft_timeout_ns(in.Number(~uint64_t{0}));
    extras.set_attempt(static_cast<int32_t>(in.Number(~uint32_t{0})));
  }
  request.mutable_call()->set_arguments(std::string(in.Piece()));
  return request;
}

void AppendSomething(FuzzInput& in, std::string* to) {
  switch (in.Byte() % 8) {
    case 0:
      AppendFrame(FrameType::kTakeBack, "", to);
      break;
    case 1:
      AppendFrame(FrameType::kAttachment, in.Piece(), to);
      break;
    case 2:
      absl::StrAppend(to, in.Piece());
      break;
    case 3:
      AppendFrame(FrameType::kTaskRequest, in.Piece(), to);
      break;
    default:
      AppendFrame(FrameType::kTaskRequest, MakeRequest(in).SerializeAsString(),
                  to);
  }
}

template <typename F>
FunctionCall Call(F fn) {
  std::vector<FunctionCall> calls;
  AddCalls(fn, &calls);
  return calls[0];
}

Input MakeInput(FuzzInput& in) {
  constexpr size_t kLimits[] = {1024, 36000, 1 << 20};
  Input input;
  const uint8_t what = in.Byte();
  input.config.set_max_frame_bytes(kLimits[what % 3]);
  input.dismissed = (what & 0x80) != 0;
  if (what & 0x40) input.closes = what / 4 % 3;
  if (what & 0x20) *input.config.mutable_initializer() = Call(Nothing);
  if (what & 0x10) *input.config.mutable_finalizer() = Call(EvenOnly);
  if (what & 0x08) {
    input.requests = std::string(in.Rest());
  } else {
    while (!in.empty()) AppendSomething(in, &input.requests);
  }
  // They are to find room in a pipe.
  input.requests.resize(std::min<size_t>(input.requests.size(), 30000));
  return input;
}

// ---- What is to come of it ----

// One answer, its result in it.
TaskResponse ExpectedAnswer(const TaskRequest& request,
                            absl::string_view arguments,
                            size_t max_frame_bytes) {
  TaskResponse response;
  response.set_task_id(request.task_id());
  std::string result;
  bool own_error = false;
  absl::Status status =
      RunCall(request.call(), std::max<uint64_t>(request.count(), 1),
              PackedBytes(arguments), &result, &own_error);
  if (!status.ok()) {
    if (own_error) MarkTaskError(&status);
    *response.mutable_error() = StatusToProto(status);
  } else {
    response.set_result(std::move(result));
  }
  if (response.ByteSizeLong() + 100 > max_frame_bytes) {
    // About as long as it may be: whether it is too long is not told here.
    response.clear_outcome();
  }
  return response;
}

struct Expected {
  std::vector<TaskResponse> answers;
  absl::StatusCode end = absl::StatusCode::kOk;
  // As much as all that the worker says, or more.
  size_t bytes = 100;
};

class Model {
 public:
  explicit Model(const Input& input) : input_(input) {}

  Expected Run() {
    FrameReader reader(input_.config.max_frame_bytes());
    std::copy(input_.requests.begin(), input_.requests.end(),
              reader.Space(input_.requests.size()));
    // An attachment that is not all there has memory of its own.
    reader.Filled(input_.requests.size());
    while (expected_.end == absl::StatusCode::kOk) {
      const absl::StatusOr<std::optional<Frame>> frame = reader.Next();
      if (frame.ok() && !frame->has_value()) break;
      expected_.end = frame.ok() ? Take(**frame) : frame.status().code();
    }
    if (input_.dismissed) expected_.end = absl::StatusCode::kOk;
    return std::move(expected_);
  }

 private:
  absl::StatusCode Take(const Frame& frame) {
    const bool due = request_.attached();
    if (frame.type == FrameType::kAttachment && due) {
      Begin(frame.payload);
      request_.set_attached(false);
    } else if (frame.type == FrameType::kTakeBack && !due) {
      ++reopened_;
    } else if (frame.type == FrameType::kTaskRequest && !due) {
      if (!request_.ParseFromArray(frame.payload.data(),
                                   static_cast<int>(frame.payload.size()))) {
        return absl::StatusCode::kDataLoss;
      }
      if (!request_.attached()) Begin(request_.call().arguments());
    } else {
      return absl::StatusCode::kDataLoss;
    }
    return absl::StatusCode::kOk;
  }

  void Begin(absl::string_view arguments) {
    if (reopened_ != input_.closes) return;
    const size_t limit = input_.config.max_frame_bytes();
    expected_.answers.push_back(ExpectedAnswer(request_, arguments, limit));
    const TaskResponse& answer = expected_.answers.back();
    expected_.bytes +=
        100 + (answer.outcome_case() == 0 ? limit : answer.ByteSizeLong());
    // What each call reports is the label.
    const uint64_t calls =
        std::min<uint64_t>(request_.count(), arguments.size()) + 1;
    expected_.bytes += calls * (50 + request_.extras().label().size());
  }

  const Input& input_;
  TaskRequest request_;
  uint32_t reopened_ = 0;
  Expected expected_;
};

// ---- What has come ----

// Reads the worker's frames, as its parent would.
class Answers {
 public:
  explicit Answers(absl::string_view bytes) : reader_(kLargestMaxFrameBytes) {
    std::copy(bytes.begin(), bytes.end(), reader_.Space(bytes.size()));
    reader_.Filled(bytes.size());
  }

  void CheckHello() {
    const std::optional<Frame> frame = Next();
    WorkerHello hello;
    FUZZ_CHECK(frame.has_value() && frame->type == FrameType::kWorkerHello);
    FUZZ_CHECK(hello.ParseFromArray(frame->payload.data(),
                                    static_cast<int>(frame->payload.size())));
    FUZZ_CHECK(!hello.has_error());
  }

  // The next answer, with its result in it; nullopt if there is none.
  std::optional<TaskResponse> NextAnswer() {
    std::optional<Frame> frame = Next();
    std::optional<uint64_t> in_progress;
    for (; frame.has_value() && frame->type == FrameType::kTaskProgress;
         frame = Next()) {
      in_progress = Parse<TaskProgress>(*frame).task_id();
    }
    if (!frame.has_value()) return std::nullopt;
    FUZZ_CHECK(frame->type == FrameType::kTaskResponse);
    TaskResponse response = Parse<TaskResponse>(*frame);
    FUZZ_CHECK(!in_progress.has_value() || in_progress == response.task_id());
    FUZZ_CHECK(response.run_time_ns() > 0);
    if (response.attached()) {
      frame = Next();
      FUZZ_CHECK(frame.has_value() && frame->type == FrameType::kAttachment);
      response.set_result(std::string(frame->payload));
    }
    return response;
  }

 private:
  std::optional<Frame> Next() {
    const absl::StatusOr<std::optional<Frame>> frame = reader_.Next();
    FUZZ_CHECK(frame.ok());
    if (!frame->has_value()) FUZZ_CHECK(!reader_.in_frame());
    return *frame;
  }

  template <typename Message>
  Message Parse(const Frame& frame) {
    Message message;
    FUZZ_CHECK(message.ParseFromArray(frame.payload.data(),
                                      static_cast<int>(frame.payload.size())));
    return message;
  }

  FrameReader reader_;
};

// Runs a worker over `input`; what it has said in the end, by pipe and journal.
// What finds room in a pipe is read when the worker is gone.
absl::Status Serve(const Input& input, bool has_room, std::string* said) {
  Pipe requests = *Pipe::Create();
  Pipe responses = *Pipe::Create();
  SharedMemory memory = *WorkerMemory::Create();
  SharedMemory workers = *WorkerMemory::Open(Duplicate(memory.handle()));
  WorkerMemory::In(memory)->gate = uint64_t{input.closes} << 32;
  WorkerMemory::In(memory)->dismissed = input.dismissed ? 1 : 0;
  FUZZ_CHECK(WriteAll(requests.write_end.get(), input.requests).ok());
  requests.write_end.reset();
  const auto read = [&] { *said = *ReadToEnd(responses.read_end.get()); };
  std::thread reader;
  if (!has_room) reader = std::thread(read);
  absl::Status status =
      ServeTasksOfSelf(input.config, std::move(requests.read_end),
                       std::move(responses.write_end), std::move(workers));
  if (has_room) {
    read();
  } else {
    reader.join();
  }
  AnswerJournal(WorkerMemory::In(memory)).ReadFrom(said->size(), said);
  return status;
}

void CheckAnswers(const Expected& expected, const absl::Status& status,
                  absl::string_view said) {
  Answers answers(said);
  answers.CheckHello();
  for (const TaskResponse& answer : expected.answers) {
    const std::optional<TaskResponse> came = answers.NextAnswer();
    FUZZ_CHECK(came.has_value());
    FUZZ_CHECK(came->task_id() == answer.task_id());
    FUZZ_CHECK(came->has_error() || came->outcome_case() != 0);
    if (answer.outcome_case() == 0) continue;
    FUZZ_CHECK(came->has_error() == answer.has_error());
    FUZZ_CHECK(came->result() == answer.result());
    FUZZ_CHECK(came->error().SerializeAsString() ==
               answer.error().SerializeAsString());
  }
  FUZZ_CHECK(!answers.NextAnswer().has_value());
  FUZZ_CHECK(status.code() == expected.end);
}

}  // namespace
}  // namespace multiproc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  multiproc::FuzzInput in(data, size);
  const multiproc::Input input = multiproc::MakeInput(in);
  const multiproc::Expected expected = multiproc::Model(input).Run();
  std::string said;
  const absl::Status status =
      multiproc::Serve(input, expected.bytes < (16 << 10), &said);
  multiproc::CheckAnswers(expected, status, said);
  return 0;
}
