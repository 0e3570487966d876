#include "multiproc/pool/item_source.h"

#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/map_options.h"

namespace multiproc {

// Packs as a string does, but for "bad".
struct Checked {
  Checked() = default;
  Checked(std::string text) : text(std::move(text)) {}  // NOLINT
  std::string text;
};

template <>
struct Codec<Checked> {
  static std::string TypeName() { return "Checked"; }
  static void Encode(const Checked& checked, Encoder& out) {
    out.Put(checked.text);
    if (checked.text == "bad") out.Fail("bad");
  }
  static bool Decode(Decoder& in, Checked* checked) {
    return in.Get(&checked->text);
  }
};

namespace {

using ::testing::ElementsAre;

std::string Echo(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Echo);

int Add(int a, int b) { return a + b; }
MULTIPROC_FUNCTION(Add);

void TakeChecked(const Checked&) {}
MULTIPROC_FUNCTION(TakeChecked);

void NotRegistered(int) {}

ItemSource::Limits Items(size_t items) {
  ItemSource::Limits limits;
  limits.items = items;
  limits.wanted_bytes = 1000;
  limits.most_bytes = 1000;
  return limits;
}

template <typename T>
std::vector<T> Unpack(const ItemSource::PackedItems& packed) {
  EXPECT_TRUE(packed.call.ok()) << packed.call.status();
  std::vector<T> values;
  Decoder decoder(packed.call->arguments);
  while (decoder.remaining() > 0) {
    values.emplace_back();
    EXPECT_TRUE(decoder.Get(&values.back()));
  }
  return values;
}

TEST(ItemSourceTest, PacksAsManyItemsAsAreWanted) {
  const std::list<std::string> words = {"a", "b", "c", "d", "e"};
  const auto source =
      MakeItemSource<Arguments::kItems>(Echo, OnError::kStop, words);
  EXPECT_EQ(source->size(), 5u);
  auto packed = source->Pack(Items(2));
  EXPECT_EQ(packed.count, 2u);
  EXPECT_EQ(packed.call->name(), "Echo");
  EXPECT_THAT(Unpack<std::string>(packed), ElementsAre("a", "b"));
  EXPECT_FALSE(source->AtEnd());
  EXPECT_THAT(Unpack<std::string>(source->Pack(Items(2))),
              ElementsAre("c", "d"));
  EXPECT_THAT(Unpack<std::string>(source->Pack(Items(2))), ElementsAre("e"));
  EXPECT_TRUE(source->AtEnd());
  EXPECT_TRUE(source->AtEnd());
}

TEST(ItemSourceTest, EndsAChunkByItsBytes) {
  const std::string great(600, 'x');
  const std::vector<std::string> words = {
      great, great, "a", great, "b", std::string(5000, 'x'), "c"};
  const auto source =
      MakeItemSource<Arguments::kItems>(Echo, OnError::kStop, words);
  ItemSource::Limits limits = Items(100);
  limits.wanted_bytes = 602;
  std::vector<uint32_t> counts;
  while (!source->AtEnd()) counts.push_back(source->Pack(limits).count);
  // Two great ones would be too much; the second, with its length and "a", is
  // enough; "b" is followed by one that is too great for any but itself.
  EXPECT_THAT(counts, ElementsAre(1, 1, 2, 1, 1, 1));
}

TEST(ItemSourceTest, OnlySeveralCallsContinue) {
  const std::vector<std::string> words = {"a", "b", "c"};
  const auto continuing =
      MakeItemSource<Arguments::kItems>(Echo, OnError::kContinue, words);
  EXPECT_EQ(continuing->Pack(Items(2)).call->function->continuing, nullptr);
  EXPECT_NE(continuing->Pack(Items(2)).call->function->continuing, nullptr);
  const auto stopping =
      MakeItemSource<Arguments::kItems>(Echo, OnError::kStop, words);
  EXPECT_NE(stopping->Pack(Items(3)).call->function->continuing, nullptr);
}

TEST(ItemSourceTest, ItemsOfRangesAndPartsOfTuplesAreArguments) {
  const std::vector<int> a = {1, 2, 3};
  const std::list<int16_t> b = {4, 5};
  auto source = MakeItemSource<Arguments::kItems>(Add, OnError::kStop, a, b);
  EXPECT_EQ(source->size(), 2u);
  using Pairs = std::vector<std::pair<int, int>>;
  const Pairs expected = {{1, 4}, {2, 5}};
  EXPECT_EQ((Unpack<std::pair<int, int>>(source->Pack(Items(9)))), expected);
  EXPECT_TRUE(source->AtEnd());
  source = MakeItemSource<Arguments::kItems>(Add, OnError::kStop, expected);
  EXPECT_EQ((Unpack<std::pair<int, int>>(source->Pack(Items(9)))), expected);
  const std::vector<std::tuple<std::string>> words = {{"a"}, {"b"}};
  source = MakeItemSource<Arguments::kParts>(Echo, OnError::kStop, words);
  EXPECT_THAT(Unpack<std::string>(source->Pack(Items(9))),
              ElementsAre("a", "b"));
}

TEST(ItemSourceTest, AnItemIsReadWhenItIsPacked) {
  struct Words {
    std::istream* in;
    auto begin() { return std::istream_iterator<std::string>(*in); }
    auto end() { return std::istream_iterator<std::string>(); }
  };
  std::stringstream in("a b c d");
  const auto source = MakeItemSource<Arguments::kItems, Words>(
      Echo, OnError::kStop, Words{&in});
  EXPECT_EQ(source->size(), std::nullopt);
  EXPECT_THAT(Unpack<std::string>(source->Pack(Items(2))),
              ElementsAre("a", "b"));
  std::string next;
  in >> next;
  EXPECT_EQ(next, "c");
  EXPECT_FALSE(source->AtEnd());
  EXPECT_THAT(Unpack<std::string>(source->Pack(Items(2))), ElementsAre("d"));
}

TEST(ItemSourceTest, AFunctionThatIsNotRegisteredFailsEachItem) {
  const std::vector<int> items = {1, 2};
  const auto source =
      MakeItemSource<Arguments::kItems>(NotRegistered, OnError::kStop, items);
  for (int i = 0; i < 2; ++i) {
    ASSERT_FALSE(source->AtEnd());
    const auto packed = source->Pack(Items(9));
    EXPECT_TRUE(absl::IsNotFound(packed.call.status()));
    EXPECT_EQ(packed.count, 1u);
  }
  EXPECT_TRUE(source->AtEnd());
}

// Gives words away: an item that is read again is empty.
struct GivesAway {
  struct Iterator {
    std::string operator*() const { return std::exchange(*at, ""); }
    Iterator& operator++() {
      ++at;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at != other.at; }

    std::string* at;
  };

  Iterator begin() { return {words.data()}; }
  Iterator end() { return {words.data() + words.size()}; }

  std::vector<std::string> words;
};

TEST(ItemSourceTest, AnItemThatDoesNotFitIsNotReadAgain) {
  const std::string great(2000, 'x');
  GivesAway range{{"a", "b", great, "c", great, great, "d"}};
  const auto source =
      MakeItemSource<Arguments::kItems>(Echo, OnError::kStop, range);
  std::vector<std::string> words;
  std::vector<uint32_t> counts;
  while (!source->AtEnd()) {
    const auto packed = source->Pack(Items(9));
    counts.push_back(packed.count);
    for (const std::string& word : Unpack<std::string>(packed)) {
      words.push_back(word);
    }
  }
  EXPECT_THAT(words, ElementsAre("a", "b", great, "c", great, great, "d"));
  EXPECT_THAT(counts, ElementsAre(2, 1, 1, 1, 1, 1));
}

TEST(ItemSourceTest, AnItemThatCantBePackedIsNotReadAgain) {
  GivesAway range{{"a", "bad", "bad", "b"}};
  const auto source =
      MakeItemSource<Arguments::kItems>(TakeChecked, OnError::kStop, range);
  EXPECT_EQ(source->Pack(Items(9)).count, 1u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(source->AtEnd());
    const auto packed = source->Pack(Items(9));
    EXPECT_TRUE(absl::IsInvalidArgument(packed.call.status()));
    EXPECT_EQ(packed.count, 1u);
  }
  EXPECT_THAT(Unpack<std::string>(source->Pack(Items(9))), ElementsAre("b"));
  EXPECT_TRUE(source->AtEnd());
}

// Where a range may throw.
enum class Place { kItem, kStep, kEnd };

// Two words, and what is thrown instead of a third.
struct Throws {
  struct End {};
  struct Iterator {
    std::string operator*() const {
      if (n == 2 && place == Place::kItem) throw std::out_of_range("item");
      return std::string(1, static_cast<char>('a' + n));
    }
    Iterator& operator++() {
      if (n == 1 && place == Place::kStep) throw std::out_of_range("step");
      ++n;
      return *this;
    }
    bool operator!=(End) const {
      if (n == 2 && place == Place::kEnd) throw std::out_of_range("end");
      return true;
    }

    Place place;
    int n = 0;
  };

  Iterator begin() const { return {place}; }
  End end() const { return {}; }

  Place place;
};

TEST(ItemSourceTest, WhatARangeThrowsIsItsEnd) {
  for (const Place place : {Place::kItem, Place::kStep, Place::kEnd}) {
    for (const size_t items : {1, 2, 9}) {
      const Throws range{place};
      const auto source =
          MakeItemSource<Arguments::kItems>(Echo, OnError::kStop, range);
      std::vector<std::string> words;
      while (!source->AtEnd()) {
        const auto packed = source->Pack(Items(items));
        if (packed.count == 0) break;
        for (const std::string& word : Unpack<std::string>(packed)) {
          words.push_back(word);
        }
      }
      EXPECT_THAT(words, ElementsAre("a", "b"));
      EXPECT_TRUE(source->AtEnd());
      const std::exception_ptr thrown = source->TakeThrown();
      ASSERT_NE(thrown, nullptr);
      EXPECT_THROW(std::rethrow_exception(thrown), std::out_of_range);
      EXPECT_EQ(source->TakeThrown(), nullptr);
      EXPECT_TRUE(source->AtEnd());
    }
  }
}

TEST(ItemSourceTest, ARangeIsKeptUnlessItIsReferredTo) {
  static_assert(
      std::is_same_v<KeptRange<const std::vector<int>&>, std::vector<int>>);
  static_assert(std::is_same_v<KeptRange<std::vector<int>>, std::vector<int>>);
  static_assert(
      std::is_same_v<KeptRange<std::reference_wrapper<const std::vector<int>>>,
                     const std::vector<int>&>);
  std::unique_ptr<ItemSource> source;
  {
    std::vector<std::string> words(3, std::string(100, 'x'));
    source = MakeItemSource<Arguments::kItems, std::vector<std::string>>(
        Echo, OnError::kStop, std::move(words));
  }
  EXPECT_THAT(Unpack<std::string>(source->Pack(Items(1))),
              ElementsAre(std::string(100, 'x')));
}

}  // namespace
}  // namespace multiproc
