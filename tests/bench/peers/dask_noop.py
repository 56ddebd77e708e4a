"""The bench's DAG of no-ops under Dask: layers of tasks that each wait for two of the layer above.

Usage: dask_noop.py synchronous|distributed TASKS
"""

import logging
import sys
import time

import polling

LAYERS = 100


def noop(*_):
    return None


def layered(tasks):
    width = tasks // LAYERS
    graph = {("t", 0, i): (noop,) for i in range(width)}
    for layer in range(1, LAYERS):
        for i in range(width):
            graph["t", layer, i] = (noop, ("t", layer - 1, i), ("t", layer - 1, (i + 1) % width))
    return graph, [("t", LAYERS - 1, i) for i in range(width)]


def synchronous(graph, last):
    import dask

    dask.get(graph, last)


class Distributed:
    """Scheduler and one worker with one thread, all in this process: the cheapest it has."""

    def __init__(self):
        import distributed

        logging.getLogger("distributed").setLevel(logging.ERROR)
        self.cluster = distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        )
        self.client = distributed.Client(self.cluster)

    def __call__(self, graph, last):
        self.client.get(graph, last)


def main():
    how, tasks = sys.argv[1], int(sys.argv[2])
    run = synchronous if how == "synchronous" else Distributed()
    run(*layered(LAYERS))
    graph, last = layered(tasks)
    wall, cpu = time.monotonic(), polling.cpu_seconds()
    run(graph, last)
    import dask

    polling.say_and_end(
        {
            "wall_us_per_task": (time.monotonic() - wall) * 1e6 / len(graph),
            "cpu_us_per_task": (polling.cpu_seconds() - cpu) * 1e6 / len(graph),
            "peer": f"Dask {dask.__version__}, {how}, {tasks} tasks",
        }
    )


try:
    main()
except ImportError as missing:
    polling.say_and_end({"trouble": f"not installed: {missing}"})
