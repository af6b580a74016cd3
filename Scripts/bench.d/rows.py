"""What is measured: one row, one source of packets."""
import fnmatch
import os
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    what: str
    flows: str = ''        # arguments of `packet-generator flows`; empty: net_null, which makes its own frames
    count: int = 1         # flows
    packets: int = 0       # in the capture
    longest: int = 60      # bytes of a frame, without FCS
    story: str = 'replies'
    pieces: int = 1        # fragments of a datagram

    @property
    def is_ipv4(self):
        return bool(self.flows) and '--family 6' not in self.flows

    @property
    def is_cached(self):
        """Whether the flow cache is to serve nearly all packets."""
        return bool(self.flows) and self.story == 'replies' and self.pieces == 1

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
    def connections(self):
        """What every side's table has room for."""
        return max(131_072, 2 * self.count)

    @property
    def memory(self):
        """Bytes of one process: each buffer with its mbuf header and the pool's own, and the C reference's tables."""
        return self.mbufs * (self.mbuf_size + 256) + self.connections * 160 + (96 << 20)

    @property
    def segment(self):
        """Bytes of dpdkfwd's segment, from above: a record and an extension for each connection, and its figures."""
        return self.connections * 192 + (64 << 20)

    def capture(self, generator, folder):
        """The path of the row's capture, made on first use and again when the generator is newer."""
        path = os.path.join(folder, f'{self.name}.pcap')
        if self.flows and not (os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(generator)):
            os.makedirs(folder, exist_ok=True)
            words = [*self.flows.split(), '--count', str(self.count)]
            words = ['fragments', *words, '--pieces', str(self.pieces)] if self.pieces > 1 else \
                ['flows', *words, '--story', self.story, '--packets', str(self.packets)]
            subprocess.run([generator, *words, path], check=True, stdout=subprocess.DEVNULL)
        return path if self.flows else None


def established():
    """Flows that both sides use: a packet each way, over and over."""
    kinds = [('udp', 'IPv4 UDP', '--protocol udp', 60), ('tcp', 'IPv4 TCP', '--protocol tcp', 60),
             ('udp6', 'IPv6 UDP', '--protocol udp --family 6', 62)]
    sizes = [('1', '1 flow', 1, 1024), ('1k', '1k flows', 1000, 2000), ('100k', '100k flows', 100_000, 200_000),
             ('1m', '1M flows', 1_000_000, 2_000_000)]
    for kind, what, flows, longest in kinds:
        for size, many, count, packets in sizes:
            yield Row(f'{kind}-{size}', f'{what}, {many} in order', flows, count, packets, longest)
            if count > 1:
                yield Row(f'{kind}-{size}-random', f'{what}, {many}, any next', f'{flows} --order random', count,
                          packets, longest)


def fragmented():
    """Datagrams in fragments, 64 in the making at once."""
    for family in (4, 6):
        for payload in (64, 512):
            for pieces in (2, 4, 8):
                for order in ('inorder', 'reversed', 'shuffled'):
                    yield Row(f'frag{family}-{payload}-{pieces}-{order}',
                              f'IPv{family}, {pieces} fragments of {payload} bytes a datagram, {order}',
                              f'--family {family} --payload {payload} --order {order}', 4096, 4096 * pieces,
                              payload + 62, pieces=pieces)


ROWS = [
    Row('null', 'net_null: frames of 64 zero bytes, no header to read'),
    *established(),
    Row('tcp6-1k', 'IPv6 TCP, 1k flows in order', '--protocol tcp --family 6', 1000, 2000, 74),
    Row('oneway-1k', 'IPv4 UDP, 1k flows that nobody answers', '--protocol udp', 1000, 2000, 60, 'oneway'),
    Row('imix-1k', 'IPv4 UDP, 1k flows of 60, 590 and 1514 bytes, 7:4:1', '--imix', 1000, 12_000, 1514),
    Row('large-1k', 'IPv4 UDP, 1k flows of 1514 bytes', '--size 1514', 1000, 2000, 1514),
    Row('cold', 'IPv4 UDP, 64 flows of 9014 bytes: headers out of the L1 cache', '--size 9014', 64, 128, 9014),
    Row('conversations', 'IPv4 TCP, 10k conversations of ten segments, step by step', '--protocol tcp', 10_000,
        100_000, 60, 'conversations'),
    Row('conversations-random', 'IPv4 TCP, 10k conversations, the next segment of any', '--protocol tcp --order random',
        10_000, 100_000, 60, 'conversations'),
    Row('open-close', 'IPv4 TCP, 100k SYNs and the RST that answers each: a packet is half of open and close',
        '--protocol tcp', 100_000, 200_000, 60, 'refused'),
    Row('open-close-1k', 'the same with 1k at a time', '--protocol tcp', 1000, 2000, 60, 'refused'),
    *fragmented(),
]


def choose(patterns):
    """The rows that any of the patterns names; all, without one."""
    for pattern in patterns:
        if not any(fnmatch.fnmatch(row.name, pattern) for row in ROWS):
            raise SystemExit(f'bench: no row {pattern}; --list names them')
    return [row for row in ROWS if not patterns or any(fnmatch.fnmatch(row.name, pattern) for pattern in patterns)]
