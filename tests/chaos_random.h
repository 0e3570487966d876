// Random numbers that are the same for a seed in every process and on every
// system, and bytes made of them.
//
//   ChaosRandom random(seed);
//   if (random.OneIn(4)) options.num_workers = random.Between(1, 4);
//
// Thread-compatible.

#ifndef MULTIPROC_TESTS_CHAOS_RANDOM_H_
#define MULTIPROC_TESTS_CHAOS_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace multiproc {

// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): any two seeds are as good.
class ChaosRandom {
 public:
  explicit ChaosRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t mixed = state_ += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return mixed ^ mixed >> 31;
  }

  // From 0 to `end` - 1; and from `least` to `most`.
  uint64_t Below(uint64_t end) { return Next() % end; }
  int Between(int least, int most) {
    return least +
           static_cast<int>(Below(static_cast<uint64_t>(most - least) + 1));
  }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  // From 1 to 2^`bits` - 1, each length in bits as likely as any other.
  uint64_t Magnitude(int bits) {
    const uint64_t top = uint64_t{1} << Below(static_cast<uint64_t>(bits));
    return top + Below(top);
  }

 private:
  uint64_t state_;
};

// `size` bytes that depend on `seed`, and on each byte of `text`.
inline std::string ChaosBytes(uint64_t seed, const std::string& text,
                              size_t size) {
  for (const char c : text)
    seed = seed * 0x100000001B3 + static_cast<uint8_t>(c);
  ChaosRandom random(seed);
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
    const uint64_t next = random.Next();
    const size_t rest = size - i;
    std::memcpy(&bytes[i], &next, rest < sizeof(next) ? rest : sizeof(next));
  }
  return bytes;
}

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_CHAOS_RANDOM_H_
