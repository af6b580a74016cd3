"""Packets that meet rules: how their cost grows with the number of rules, by kind, and what a flow table saves."""
import os
import time

import sides

COUNTS = (1, 10, 100, 1000, 10_000)
PORTS = '{ port0, port1 }'


def address(i):
    return f'172.{16 + (i >> 16) % 16}.{i >> 8 & 255}.{i & 255}'


def unlike(i):
    """Rules that have little in common; none of them fits the source's packets."""
    kinds = [
        f'ip saddr {address(i)} tcp dport {1 + i % 60_000} drop',
        f'ip daddr {address(i)} udp dport {20_000 + i % 40_000} drop',
        f'iifname port1 ip saddr 172.{16 + i % 16}.{i >> 8 & 255}.0/28 udp sport {1 + i % 1000} drop',
        f'ip protocol icmp ip daddr {address(i)} counter drop',
        f'ct state new tcp dport {1 + i * 7 % 60_000} ip daddr {address(i)} counter drop',
        f'meta mark {i + 1} drop',
    ]
    # Every hundredth has nothing that it could be looked up by.
    return kinds[5] if i % 100 == 99 else kinds[i % 5]


# Rules of the forward chain, of each kind; the last one is met by every packet.
KINDS = {
    'addresses': lambda n: '\n'.join(f'ip saddr {address(i)} drop' for i in range(n)),
    'ports': lambda n: 'udp dport { ' + ', '.join(str(30_000 + 2 * i % 35_000) for i in range(min(n, 17_000))) + ' } drop',
    'vmap': lambda n: 'ip saddr vmap { ' + ', '.join(f'{address(i)} : drop' for i in range(n)) + ' }',
    'unlike': lambda n: '\n'.join(unlike(i) for i in range(n)),
}


# What stands behind them: nothing (the flow cache serves flows that no rule counts), a counter (every packet meets the
# rules), or a flow table.
ENDS = {'': '', 'counted': 'counter', 'flow': 'ct state established flow add @w'}


def text(kind, count, end):
    flowtable = f'flowtable w {{ hook ingress priority 0; devices = {PORTS}; }}' if end == 'flow' else ''
    return (f'table inet bench {{\n{flowtable}\nchain f {{\ntype filter hook forward priority 0; policy accept;\n'
            f'{KINDS[kind](count)}\n{ENDS[end]}\n}}\n}}\n')


class Ruled(sides.Forwarder):
    """dpdkfwd without rules, with so many of each kind, and with a counter or a flow table behind some of them."""

    def __init__(self, place, binaries, folder):
        super().__init__(place, binaries)
        self.name = sides.prefix('ruled')
        os.makedirs(folder, exist_ok=True)
        self.cases = {'none': []}
        for kind in KINDS:
            for count in COUNTS:
                self._add(folder, kind, count, '')
                self._add(folder, kind, count, 'counted')
        for count in (10, 1000, 10_000):
            self._add(folder, 'unlike', count, 'flow')

    def _add(self, folder, kind, count, end):
        case = f'{kind}-{count}' + (f'-{end}' if end else '')
        path = os.path.join(folder, f'{case}.nft')
        with open(path, 'w', encoding='ascii') as file:
            file.write(text(kind, count, end))
        self.cases[case] = ['--rules', path]

    def _settle(self):
        """UDP is assured after two seconds. Where rules count, nothing is cached."""
        time.sleep(3)

    def round(self, seconds):
        return {case: self._window(case, options, seconds) for case, options in self.cases.items()}
