#include "multiproc/pool/answer_journal.h"

#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

class AnswerJournalTest : public testing::Test {
 protected:
  bool Append(absl::string_view bytes) {
    char* const space = worker_.Space(bytes.size());
    if (space == nullptr) return false;
    std::memcpy(space, bytes.data(), bytes.size());
    worker_.Commit(bytes.size());
    return true;
  }

  // What the parent finds, which has received so many bytes.
  std::string Rest(uint64_t position) {
    std::string rest;
    const bool any = parent_.ReadFrom(position, &rest);
    EXPECT_EQ(any, !rest.empty());
    return rest;
  }

  const std::unique_ptr<WorkerMemory> memory_ =
      std::make_unique<WorkerMemory>();
  AnswerJournal worker_{memory_.get()};
  const AnswerJournal parent_{memory_.get()};
};

TEST_F(AnswerJournalTest, HoldsNothingAtFirst) {
  EXPECT_EQ(worker_.unwritten(), "");
  EXPECT_EQ(Rest(0), "");
}

TEST_F(AnswerJournalTest, WhatIsNotCommittedIsNotThere) {
  std::memcpy(worker_.Space(3), "abc", 3);
  EXPECT_EQ(Rest(0), "");
}

TEST_F(AnswerJournalTest, TheParentGoesOnWhereThePipeEnded) {
  ASSERT_TRUE(Append("first."));
  ASSERT_TRUE(Append("second."));
  EXPECT_EQ(worker_.unwritten(), "first.second.");
  EXPECT_EQ(Rest(0), "first.second.");
  worker_.Written(8);
  EXPECT_EQ(worker_.unwritten(), "cond.");
  EXPECT_EQ(Rest(8), "cond.");
  EXPECT_EQ(Rest(13), "");
}

TEST_F(AnswerJournalTest, BeginsAgainOnceAllIsWritten) {
  ASSERT_TRUE(Append("first."));
  worker_.Written(6);
  ASSERT_TRUE(Append("second."));
  EXPECT_EQ(worker_.unwritten(), "second.");
  EXPECT_EQ(Rest(6), "second.");
  EXPECT_EQ(Rest(0), "") << "that was in the pipe";
}

TEST_F(AnswerJournalTest, CountsWhatGoesWithoutIt) {
  ASSERT_TRUE(Append("first."));
  worker_.Written(6);
  worker_.Skip(1000);
  EXPECT_EQ(Rest(6), "");
  ASSERT_TRUE(Append("second."));
  EXPECT_EQ(Rest(1006), "second.");
}

TEST_F(AnswerJournalTest, IsFullAtItsSize) {
  ASSERT_TRUE(Append(std::string(WorkerMemory::kJournalBytes - 1, 'x')));
  EXPECT_FALSE(Append("yz"));
  EXPECT_TRUE(Append("y"));
  EXPECT_FALSE(Append("z"));
  worker_.Written(WorkerMemory::kJournalBytes);
  EXPECT_TRUE(Append("z"));
  EXPECT_FALSE(Append(std::string(WorkerMemory::kJournalBytes + 1, 'x')));
}

TEST_F(AnswerJournalTest, CountsThatCannotBeAreNotBelieved) {
  ASSERT_TRUE(Append("answer"));
  memory_->journal_end = WorkerMemory::kJournalBytes + 1;
  EXPECT_EQ(Rest(0), "");
  memory_->journal_end = ~uint64_t{0};
  EXPECT_EQ(Rest(0), "");
  memory_->journal_begin = 7;
  memory_->journal_end = 6;
  EXPECT_EQ(Rest(0), "");
  EXPECT_EQ(Rest(7), "");
}

}  // namespace
}  // namespace multiproc
