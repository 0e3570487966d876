"""Pools of processes for Python, behind one interface.

  pool = open_pool("cpython_pool", workers=2)   # or LookupError: why not

cpython_pool   multiprocessing.Pool, by fork
cpython_ppe    concurrent.futures.ProcessPoolExecutor, by fork
billiard_pool  billiard's Pool, by fork
loky           loky's executor, or the one that joblib carries
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

NAMES = ["cpython_pool", "cpython_ppe", "billiard_pool", "loky"]


class AsyncPool:
    """multiprocessing's interface."""

    def __init__(self, pool):
        self.pool = pool

    def call(self, function, argument):
        return self.pool.apply(function, (argument,))

    def submit(self, function, argument):
        return self.pool.apply_async(function, (argument,))

    def get(self, result):
        return result.get()

    def map(self, function, items):
        return self.pool.map(function, items)

    def close(self):
        self.pool.close()
        self.pool.join()


class ExecutorPool:
    """concurrent.futures' interface."""

    def __init__(self, executor):
        self.executor = executor

    def call(self, function, argument):
        return self.executor.submit(function, argument).result()

    def submit(self, function, argument):
        return self.executor.submit(function, argument)

    def get(self, result):
        return result.result()

    def map(self, function, items):
        return list(self.executor.map(function, items, chunksize=1000))

    def close(self):
        self.executor.shutdown()


def _loky():
    try:
        from loky import ProcessPoolExecutor as executor
    except ImportError:
        from joblib.externals.loky import ProcessPoolExecutor as executor
    return executor


def open_pool(name, workers):
    try:
        if name == "cpython_pool":
            return AsyncPool(multiprocessing.get_context("fork").Pool(workers))
        if name == "cpython_ppe":
            return ExecutorPool(ProcessPoolExecutor(
                workers, mp_context=multiprocessing.get_context("fork")))
        if name == "billiard_pool":
            import billiard
            return AsyncPool(billiard.get_context("fork").Pool(workers))
        return ExecutorPool(_loky()(workers))
    except ImportError as error:
        raise LookupError(f"not installed: {error}") from error
