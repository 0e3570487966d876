#include "multiproc/executors/handled_signals.h"

#include <signal.h>

#include "gtest/gtest.h"

namespace multiproc {
namespace {

void DoNothing(int) {}

TEST(HandledSignalsTest, HoldsWhatIsHandledOrIgnored) {
  signal(SIGUSR1, DoNothing);
  signal(SIGHUP, SIG_IGN);
#ifdef SIGRTMAX  // macOS has none.
  signal(SIGRTMAX, DoNothing);
#endif
  const SignalSet set = HandledSignals();
  EXPECT_TRUE(HasSignal(set, SIGUSR1));
  EXPECT_TRUE(HasSignal(set, SIGHUP));
#ifdef SIGRTMAX
  EXPECT_TRUE(HasSignal(set, SIGRTMAX));
#endif
}

TEST(HandledSignalsTest, DoesNotHoldWhatIsAtItsDefault) {
  signal(SIGUSR2, DoNothing);
  signal(SIGUSR2, SIG_DFL);
  const SignalSet set = HandledSignals();
  if (set == kAllSignals) GTEST_SKIP() << "this system does not tell";
  EXPECT_FALSE(HasSignal(set, SIGUSR2));
}

}  // namespace
}  // namespace multiproc
