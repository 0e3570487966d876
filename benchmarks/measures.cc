#include "multiproc/benchmarks/measures.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace multiproc {
namespace {

FigureKey Ours(std::string item, std::string metric, Parameters parameters) {
  return {std::move(item), "multiproc", std::move(metric),
          std::move(parameters)};
}

Rival Floor(std::string label, std::vector<FigureKey> figures,
            double factor = 0) {
  return {Rival::Kind::kFloor, std::move(label), std::move(figures), factor};
}

Rival Peer(std::string label, FigureKey figure, double factor = 0) {
  return {Rival::Kind::kPeer, std::move(label), {std::move(figure)}, factor};
}

Rival Limit(std::string label, double limit) {
  return {Rival::Kind::kLimit, std::move(label), {}, 1, limit};
}

struct PythonPool {
  const char* who;
  const char* label;
};
constexpr PythonPool kPythonPools[] = {
    {"cpython_pool", "multiprocessing.Pool"},
    {"cpython_ppe", "ProcessPoolExecutor"},
    {"billiard_pool", "billiard"},
    {"loky", "loky"},
};

// Adds the Python pools; `factor` is a target against CPython's own.
void AddPythonPools(Measure* measure, const std::string& item,
                    const std::string& metric, const Parameters& parameters,
                    double factor) {
  for (const PythonPool& pool : kPythonPools) {
    const bool own = pool.who == kPythonPools[0].who;
    measure->rivals.push_back(Peer(
        pool.label, {item, pool.who, metric, parameters}, own ? factor : 0));
  }
}

FigureKey PipeRoundTrip(const std::string& size, const std::string& place) {
  return {"floor_roundtrip",
          "c_floor",
          "p50",
          {{"chan", "pipe"}, {"size", size}, {"place", place}}};
}

Measure RoundTrip() {
  Measure measure{"1", "Submit, then Get: one empty task at a time, p50"};
  measure.ours =
      Ours("pool_roundtrip", "p50", {{"workers", "1"}, {"spin_us", "0"}});
  measure.rivals = {
      Floor("pipe ping-pong, 64 B", {PipeRoundTrip("64", "free")}, 1.25),
      Floor("pipe ping-pong, 1 KiB", {PipeRoundTrip("1024", "free")}),
      Floor("pipe ping-pong, 64 B, one CPU", {PipeRoundTrip("64", "same")}),
  };
  AddPythonPools(&measure, "pool_roundtrip", "p50", {{"workers", "1"}}, 0);
  measure.rivals.push_back(
      Peer("Node fork + send", {"pool_roundtrip", "node_fork_send", "p50"}));
  return measure;
}

Measure SpinningRoundTrip() {
  Measure measure{"2", "The same, while Get may spin, p50"};
  measure.ours =
      Ours("pool_roundtrip", "p50", {{"workers", "1"}, {"spin_us", "50"}});
  measure.rivals = {
      Limit("10 us", 10),
      Floor("pipe ping-pong, 64 B", {PipeRoundTrip("64", "free")}),
  };
  return measure;
}

FigureKey Model(const std::string& design, const std::string& leases,
                const std::string& task) {
  return {"pool_model",
          "c_model",
          "tasks_per_s",
          {{"design", design}, {"leases", leases}, {"task", task}}};
}

Measure Throughput() {
  Measure measure{"3", "Submit all, then Get all: empty tasks", Better::kMore};
  measure.ours = Ours("pool_throughput", "tasks_per_s",
                      {{"task", "empty"}, {"op", "submit_all"}});
  measure.rivals = {Limit("1 M/s", 1e6)};
  for (const char* design : {"loop", "threads"}) {
    for (const char* leases : {"1", "4", "16", "256"}) {
      measure.rivals.push_back(
          Floor(absl::StrCat("model, ", design, ", leases ", leases),
                {Model(design, leases, "empty")}));
    }
  }
  AddPythonPools(&measure, "pool_throughput", "tasks_per_s",
                 {{"task", "empty"}, {"op", "submit_all"}}, 35);
  measure.rivals.push_back(
      Peer("Node fork + send",
           {"pool_throughput", "node_fork_send", "tasks_per_s"}, 7));
  return measure;
}

FigureKey WithoutPool(const std::string& task) {
  return {"pool_throughput",
          "c_floor",
          "tasks_per_s",
          {{"task", task}, {"op", "no_pool"}}};
}

Measure ShortTasks() {
  Measure measure{"4", "Submit all, then Get all: 10 us of CPU", Better::kMore};
  measure.ours = Ours("pool_throughput", "tasks_per_s",
                      {{"task", "busy10"}, {"op", "submit_all"}});
  measure.rivals = {
      Floor("two processes, no pool", {WithoutPool("busy10")}, 0.85),
      Floor("model, loop, leases 16", {Model("loop", "16", "busy10")}),
  };
  AddPythonPools(&measure, "pool_throughput", "tasks_per_s",
                 {{"task", "busy10"}, {"op", "map"}}, 1);
  return measure;
}

Measure Mix(std::string title, Better better, const std::string& item,
            const std::string& metric, double factor) {
  Measure measure{"5", std::move(title), better};
  measure.ours = Ours(item, metric, {{"task", "mix"}, {"leases", "default"}});
  measure.rivals = {Peer("the same, one-task leases",
                         Ours(item, metric, {{"task", "mix"}, {"leases", "1"}}),
                         factor)};
  return measure;
}

void AddMixes(std::vector<Measure>* measures) {
  Measure throughput = Mix("Every 100th task 2 ms of CPU: tasks/s",
                           Better::kMore, "pool_throughput", "tasks_per_s", 5);
  Rival ideal = Limit("two workers / 20 us", 1e5);
  ideal.target_factor = 0;
  throughput.rivals.push_back(ideal);
  AddPythonPools(&throughput, "pool_throughput", "tasks_per_s",
                 {{"task", "mix"}, {"op", "submit_all"}}, 0);
  measures->push_back(throughput);
  measures->push_back(Mix("The same: mean completion", Better::kLess,
                          "pool_completion", "mean", 0));
  measures->push_back(Mix("The same: p99 completion", Better::kLess,
                          "pool_completion", "p99", 1));
}

Measure Map() {
  Measure measure{"6", "Map of int to int", Better::kMore};
  measure.ours = Ours("pool_throughput", "tasks_per_s",
                      {{"task", "empty"}, {"op", "map"}});
  measure.rivals = {Limit("20 M/s", 2e7)};
  AddPythonPools(&measure, "pool_throughput", "tasks_per_s",
                 {{"task", "empty"}, {"op", "map"}}, 3);
  return measure;
}

Measure Sleeps() {
  Measure measure{"7", "Sleeps of 1 ms, 4 workers", Better::kMore};
  measure.ours = Ours("pool_throughput", "tasks_per_s",
                      {{"task", "sleep1ms"}, {"op", "submit_all"}});
  measure.rivals = {
      Floor("four processes, no pool", {WithoutPool("sleep1ms")}, 0.97)};
  AddPythonPools(&measure, "pool_throughput", "tasks_per_s",
                 {{"task", "sleep1ms"}, {"op", "submit_all"}}, 0);
  return measure;
}

FigureKey PipeEcho(const std::string& size, const std::string& pipe,
                   const std::string& memory) {
  return {"payload_echo",
          "c_floor_pipe",
          "bandwidth",
          {{"size", size}, {"pipe", pipe}, {"memory", memory}}};
}

// With a target for the type that is meant for payloads of this size.
Measure Echo(const std::string& label, const std::string& size,
             const std::string& type, double target) {
  Measure measure{"8", absl::StrCat("Echo of ", label, ", a ", type),
                  Better::kMore};
  const FigureKey small = PipeEcho(size, "65536", "kept");
  const FigureKey large = PipeEcho(size, "1048576", "kept");
  measure.ours =
      Ours("payload_echo", "bandwidth", {{"size", size}, {"type", type}});
  measure.rivals = {
      Floor("pipe echo, the better one", {small, large}, target),
      Floor("pipe echo, 64 KiB pipes", {small}),
      Floor("pipe echo, 1 MiB pipes", {large}),
      Floor("the same, new memory each time",
            {PipeEcho(size, "1048576", "fresh")}),
  };
  AddPythonPools(&measure, "payload_echo", "bandwidth", {{"size", size}}, 0);
  return measure;
}

Measure EchoMemory(const std::string& of, const std::string& type) {
  Measure measure{
      "8", absl::StrCat("Echo of 64 MiB, a ", type, ": peak memory, ", of)};
  measure.ours =
      Ours("payload_memory", "payloads", {{"of", of}, {"type", type}});
  measure.rivals = {Limit("2.2 payloads", 2.2)};
  return measure;
}

FigureKey Start(const std::string& item, const std::string& who,
                const std::string& how, int64_t mib) {
  return {item, who, "p50", {{"how", how}, {"rss_mib", absl::StrCat(mib)}}};
}

FigureKey RawSpawn(const std::string& how, const std::string& program,
                   int64_t mib) {
  FigureKey key = Start("spawn", "c_floor", how, mib);
  key.parameters["prog"] = program;
  return key;
}

std::string WithParent(const std::string& title, int64_t mib) {
  return absl::StrCat(title, ", parent of ", mib, " MiB, p50");
}

Measure SpawnProgram(int64_t mib) {
  Measure measure{"9", WithParent("Spawn + Wait of /bin/true", mib)};
  measure.ours = Start("spawn", "multiproc", "posix_spawn", mib);
  measure.rivals = {
      Floor("posix_spawn + waitpid", {RawSpawn("posix_spawn", "true", mib)},
            1.15),
      Peer("subprocess.run", Start("spawn", "cpython_subprocess", "run", mib)),
      Peer("Rust std", Start("spawn", "rust_std_process", "status", mib)),
      Peer("Go os/exec", Start("spawn", "go_os_exec", "Run", mib)),
      Peer("Boost.Process", Start("spawn", "boost_process", "child", mib)),
      Peer("libuv", Start("spawn", "libuv", "uv_spawn", mib)),
  };
  return measure;
}

Measure SpawnGrowth(int64_t least, int64_t most) {
  Measure measure{"9", WithParent("The same, by the parent's memory", most)};
  measure.ours = Start("spawn", "multiproc", "posix_spawn", most);
  measure.rivals = {Peer(absl::StrCat("the same, parent of ", least, " MiB"),
                         Start("spawn", "multiproc", "posix_spawn", least),
                         1.2)};
  return measure;
}

void AddStarts(const std::vector<int64_t>& rss_mib,
               std::vector<Measure>* measures) {
  for (const int64_t mib : rss_mib) measures->push_back(SpawnProgram(mib));
  if (rss_mib.size() > 1) {
    measures->push_back(SpawnGrowth(rss_mib.front(), rss_mib.back()));
  }
  for (const int64_t mib : rss_mib) {
    Measure fork{"10", WithParent("Function by fork: Spawn + Wait", mib)};
    fork.ours = Start("function_start", "multiproc", "fork", mib);
    fork.rivals = {
        Floor("fork + _exit", {RawSpawn("fork_exit", "none", mib)}, 1.2)};
    measures->push_back(fork);
  }
  for (const int64_t mib : rss_mib) {
    Measure rerun{"10", WithParent("Function by re-run: Spawn + Wait", mib)};
    rerun.ours = Start("function_start", "multiproc", "posix_spawn", mib);
    rerun.rivals = {Floor("posix_spawn, empty main",
                          {RawSpawn("posix_spawn", "same", mib)}, 1.3)};
    measures->push_back(rerun);
  }
}

Measure PoolStart(const std::string& backend, const std::string& workers,
                  const std::string& metric) {
  const bool first = metric == "first_result";
  Measure measure{"11",
                  absl::StrCat("Pool of ", workers, " by ", backend, ", until ",
                               first ? "the first answer" : "all answered")};
  const Parameters parameters = {{"ctx", backend}, {"workers", workers}};
  measure.ours = Ours("pool_start", metric, parameters);
  measure.rivals = {
      Floor(absl::StrCat(workers, " raw starts at once"),
            {{"pool_start", "c_floor", metric, parameters}}, 1.3),
      Peer("multiprocessing.Pool, fork",
           {"pool_start",
            "cpython_pool",
            metric,
            {{"ctx", "fork"}, {"workers", workers}}},
           1),
  };
  if (backend != "fork") {
    measure.rivals.push_back(Peer("multiprocessing.Pool, spawn",
                                  {"pool_start",
                                   "cpython_pool",
                                   metric,
                                   {{"ctx", "spawn"}, {"workers", workers}}}));
  }
  return measure;
}

void AddPoolStarts(std::vector<Measure>* measures) {
  for (const char* backend : {"fork", "posix_spawn"}) {
    for (const char* workers : {"2", "16"}) {
      for (const char* metric : {"first_result", "all_workers"}) {
        measures->push_back(PoolStart(backend, workers, metric));
      }
    }
  }
}

Measure QueuedMemory() {
  Measure measure{"12", "Memory of a queued task and its future"};
  measure.ours = Ours("queued_memory", "bytes_per_task", {});
  measure.rivals = {
      Limit("250 B", 250),
      Floor("std::promise queue",
            {{"queued_memory", "c_floor", "bytes_per_task"}}),
  };
  AddPythonPools(&measure, "queued_memory", "bytes_per_task", {}, 0);
  return measure;
}

void AddManyWorkers(std::vector<Measure>* measures) {
  const auto ours = [](const char* metric, const char* workers) {
    return Ours("many_workers", metric, {{"workers", workers}});
  };
  Measure cpu{"13", "1,000 workers: the parent's CPU for a task"};
  cpu.ours = ours("cpu_per_task", "1000");
  cpu.rivals = {Peer("the same, 10 workers", ours("cpu_per_task", "10"), 1.5)};
  measures->push_back(cpu);
  Measure threads{"13", "The same: its threads"};
  threads.ours = ours("threads", "1000");
  threads.rivals = {Limit("the caller's and one", 2)};
  measures->push_back(threads);
  Measure handles{"13", "The same: its descriptors for a worker"};
  handles.ours = ours("handles_per_worker", "1000");
  handles.rivals = {Limit("3, and a few in all", 3.02)};
  measures->push_back(handles);
}

}  // namespace

std::vector<Measure> Measures(const std::vector<int64_t>& rss_mib) {
  std::vector<Measure> measures = {RoundTrip(), SpinningRoundTrip(),
                                   Throughput(), ShortTasks()};
  AddMixes(&measures);
  measures.push_back(Map());
  measures.push_back(Sleeps());
  measures.push_back(Echo("1 KiB", "1024", "string", 0.9));
  measures.push_back(Echo("1 MiB", "1048576", "cord", 0.9));
  measures.push_back(Echo("1 MiB", "1048576", "string", 0));
  measures.push_back(Echo("64 MiB", "67108864", "cord", 0.9));
  measures.push_back(Echo("64 MiB", "67108864", "string", 0));
  for (const std::string type : {"cord", "string"}) {
    measures.push_back(EchoMemory("parent", type));
    measures.push_back(EchoMemory("worker", type));
  }
  AddStarts(rss_mib, &measures);
  AddPoolStarts(&measures);
  measures.push_back(QueuedMemory());
  AddManyWorkers(&measures);
  return measures;
}

}  // namespace multiproc
