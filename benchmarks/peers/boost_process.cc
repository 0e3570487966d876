// Boost.Process (its first version, which is in every Boost since 1.64).

#include <boost/version.hpp>
#if BOOST_VERSION >= 108600
#include <boost/process/v1.hpp>
namespace process = boost::process::v1;
#else
#include <boost/process.hpp>
namespace process = boost::process;
#endif

#include "spawn_peer.h"

int main(int argc, char** argv) {
  MeasureSpawns(argc, argv, "boost_process", "child",
                [] { process::child("/bin/true").wait(); });
}
