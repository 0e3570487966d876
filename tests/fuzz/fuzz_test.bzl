"""A fuzzer, and the test that runs it over its corpus."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

def fuzz_test(name, deps, target_compatible_with = []):
    """Makes NAME_fuzzer (with --config=fuzz) and NAME_corpus_test (always).

    Args:
      name: of NAME_fuzzer.cc and of the folder corpus/NAME.
      deps: of NAME_fuzzer.cc.
      target_compatible_with: of both.
    """
    seeds = native.glob(["corpus/%s/*" % name])
    paths = ["$(rootpath %s)" % seed for seed in seeds]
    cc_library(
        name = name + "_target",
        testonly = True,
        srcs = [name + "_fuzzer.cc"],
        target_compatible_with = target_compatible_with,
        deps = deps,
        alwayslink = True,
    )
    cc_test(
        name = name + "_corpus_test",
        size = "small",
        args = paths,
        data = seeds,
        target_compatible_with = target_compatible_with,
        deps = [
            ":corpus_main",
            name + "_target",
        ],
    )
    cc_test(
        name = name + "_fuzzer",
        # Those that the caller gives come behind, and prevail.
        args = [
            "-max_total_time=30",
            "-timeout=10",
            "-print_final_stats=1",
            "-seed_inputs=" + ",".join(paths),
        ],
        data = seeds,
        # Freed memory is kept back for a while, but not hundreds of megabytes.
        env = {"ASAN_OPTIONS": "quarantine_size_mb=16"},
        linkopts = ["-fsanitize=fuzzer"],
        # A run that found nothing says nothing of the next.
        tags = [
            "external",
            "fuzzer",
        ],
        target_compatible_with = target_compatible_with + select({
            ":is_enabled": [],
            "//conditions:default": ["@platforms//:incompatible"],
        }),
        deps = [
            ":fuzzer_main",
            name + "_target",
        ],
    )
