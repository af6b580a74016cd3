"""What is measured: one row, one source of packets."""
import os
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    what: str
    flows: str = ''    # arguments of `packet-generator flows`; empty: net_null, which makes its own frames
    packets: int = 0   # in the capture
    longest: int = 60  # bytes of a frame, without FCS

    @property
    def mbuf_size(self):
        """Bytes of a packet buffer, 128 of headroom included. The same on every side."""
        if self.longest > 2048:
            return 9344
        return 256 if self.packets > 20_000 else 2176

    @property
    def mbufs(self):
        """net_pcap keeps one buffer for each packet of the capture for good."""
        return self.packets + 32768

    @property
    def memory(self):
        """Bytes of one process: each buffer with its mbuf header and the pool's own."""
        return self.mbufs * (self.mbuf_size + 256) + (96 << 20)

    def capture(self, generator, folder):
        """The path of the row's capture, made on first use and again when the generator is newer."""
        path = os.path.join(folder, f'{self.name}.pcap')
        if self.flows and not (os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(generator)):
            os.makedirs(folder, exist_ok=True)
            subprocess.run([generator, 'flows', *self.flows.split(), '--packets', str(self.packets), path], check=True,
                           stdout=subprocess.DEVNULL)
        return path if self.flows else None


ROWS = [
    Row('null', 'net_null: frames of 64 zero bytes, no header to read'),
    Row('udp-1', 'IPv4 UDP, 1 flow', '--count 1', 1024),
    Row('udp-1k', 'IPv4 UDP, 1k flows', '--count 1000', 1024),
    Row('udp-100k', 'IPv4 UDP, 100k flows in order', '--count 100000', 100_000),
    Row('udp-100k-random', 'IPv4 UDP, 100k flows, any next', '--count 100000 --order random', 131_072),
    Row('udp-1m', 'IPv4 UDP, 1M flows in order', '--count 1000000', 1_000_000),
    Row('udp-1m-random', 'IPv4 UDP, 1M flows, any next', '--count 1000000 --order random', 1_000_000),
    Row('tcp-1k', 'IPv4 TCP, 1k connections', '--count 1000 --protocol tcp', 12_000),
    Row('udp6-1k', 'IPv6 UDP, 1k flows', '--count 1000 --family 6 --size 62', 1024, 62),
    Row('tcp6-1k', 'IPv6 TCP, 1k connections', '--count 1000 --protocol tcp --family 6 --size 74', 12_000, 74),
    Row('imix-1k', 'IPv4 UDP, 1k flows of 60, 590 and 1514 bytes, 7:4:1', '--count 1000 --imix', 12_000, 1514),
    Row('large-1k', 'IPv4 UDP, 1k flows of 1514 bytes', '--count 1000 --size 1514', 1024, 1514),
    Row('cold', 'IPv4 UDP, 128 flows of 9014 bytes: headers out of the L1 cache', '--count 128 --size 9014', 128, 9014),
]


def choose(names):
    known = {row.name: row for row in ROWS}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f'bench: no row {", ".join(unknown)}; --list names them')
    return [known[name] for name in names] or ROWS
