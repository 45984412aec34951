"""python -m benchmark"""

from benchmark.cli import bench

bench(prog_name="bench")
