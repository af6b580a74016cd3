"""Who is measured: each side forwards the same source to the same sink on the same CPU, one at a time.

A side says which cases it has for a row and measures them one window a round. Each EAL process has a file prefix of its
own, is ended by its id, and leaves nothing behind.
"""
import glob
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import window


class Place:
    """Where a row's processes run and what they read."""

    def __init__(self, row, capture, cpus):
        self.row, self.capture = row, capture
        # Two sides run at once, or one with twice the buffers.
        self.huge = hugepages_free() >= 2 * row.memory
        self.hugetlbfs = hugetlbfs() if hugepages_free() >= 2 * row.memory + row.segment else None
        self.main, self.worker = cpus
        self.lcores = f'{self.main},{self.worker}'
        self.thread = rf'(lcore|rte)-worker-{self.worker}'

    def eal(self, prefix, lcores):
        source = f'net_pcap0,rx_pcap={self.capture},infinite_rx=1' if self.capture else 'net_null0,size=64'
        memory = ['--huge-unlink'] if self.huge else ['--no-huge', '-m', str((self.row.memory >> 20) * 5 // 4)]
        return ['-l', lcores, '--main-lcore', lcores.split(',')[0], '--no-pci', '--no-telemetry',
                '--file-prefix', prefix, *memory, '--vdev', source, '--vdev', 'net_null1,no-rx=1']


def hugepages_free():
    """Bytes."""
    with open('/proc/meminfo', encoding='utf8') as file:
        facts = {line.split(':')[0]: int(line.split()[1]) for line in file}
    return facts['HugePages_Free'] * facts['Hugepagesize'] * 1024


def hugetlbfs():
    """The folder where a filesystem of huge pages is mounted, or `None`."""
    with open('/proc/mounts', encoding='utf8') as file:
        mounts = [line.split() for line in file]
    return next((words[1] for words in mounts if words[2] == 'hugetlbfs'), None)


def figures(binaries, name, kind):
    """What a forwarder has counted of a kind, all lcores together; nothing while it has no segment."""
    shown = subprocess.run([f'{binaries}/dpdkfwd-stat', '-f', name, 'show', kind, '--json'],
                           capture_output=True, text=True, check=False)
    return json.loads(shown.stdout)['total'] if shown.returncode == 0 else {}


def prefix(side):
    return f'bench-{side}-{os.getpid()}'


def clean(name, folder=None):
    """Removes what a process of that file prefix leaves, also in a folder of huge pages."""
    runtime = os.environ.get('XDG_RUNTIME_DIR', '/run')
    for place in ('/dev/shm/dpdkfwd', '/run/dpdkfwd', '/var/run/dpdk', f'{runtime}/dpdk'):
        shutil.rmtree(os.path.join(place, name), ignore_errors=True)
    for path in glob.glob(f'{folder}/dpdkfwd.{name}.*') if folder else []:
        os.remove(path)


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Testpmd:
    """The source's own limit: `io` touches no packet, `macswap` writes its Ethernet header."""
    prompt = b'testpmd> '

    def __init__(self, place):
        self.name = prefix('testpmd')
        self.process = subprocess.Popen(
            ['stdbuf', '-oL', 'dpdk-testpmd', *place.eal(self.name, place.lcores), '--', '-i', '--nb-cores=1',
             '--no-lsc-interrupt', f'--total-num-mbufs={place.row.mbufs}', f'--mbuf-size={place.row.mbuf_size}'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        try:
            self._answer()
            self.thread = window.Thread(self.process.pid, place.thread)
        except BaseException:
            self.close()
            raise

    def _answer(self, seconds=120):
        text, deadline = b'', time.monotonic() + seconds
        while not text.endswith(self.prompt):
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise RuntimeError('testpmd is silent')
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise RuntimeError('testpmd ended: ' + text.decode(errors='replace')[-800:])
            text += piece
        return text.decode(errors='replace')

    def _ask(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        return self._answer()

    def _sent(self):
        return sum(int(n) for n in re.findall(r'TX-packets: (\d+)', self._ask('show port stats all')))

    def round(self, seconds):
        """One window of each case."""
        samples = {}
        for case in ('io', 'macswap'):
            self._ask(f'set fwd {case}')
            self._ask('start')
            time.sleep(0.2)
            samples[case] = self.thread.measure(seconds, self._sent)
            self._ask('stop')
        return samples

    def close(self):
        end(self.process)
        clean(self.name)


class Forwarder:
    """dpdkfwd, started anew for each window, so that the luck of one memory layout is part of the spread."""

    CASES = {'off': ['--conntrack', 'off'], 'tracked': [], 'software': ['--rx-checksum', 'software']}

    def __init__(self, place, binaries):
        self.place, self.binaries = place, binaries
        self.name = prefix('fwd')
        self.proof = {}

    def round(self, seconds):
        return {case: self._window(case, options, seconds) for case, options in self.CASES.items()}

    def _window(self, case, options, seconds):
        row = self.place.row
        segment = ['--segment-hugetlbfs', self.place.hugetlbfs] if self.place.hugetlbfs else []
        process = subprocess.Popen(
            [f'{self.binaries}/dpdkfwd', *self.place.eal(self.name, self.place.lcores), '--', '--log-level', 'error',
             '--idle-sleep', 'spin', '--mbufs', str(row.mbufs), '--mbuf-size', str(row.mbuf_size),
             '--connections', str(row.connections), *segment, *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self._wait(process)
            thread = window.Thread(process.pid, self.place.thread)
            if case == 'off':
                time.sleep(0.5)
                return self.measure(case, thread, seconds)
            self._settle()
            before = self._figures('ct')
            cycles = self.measure(case, thread, seconds)
            self.proof[case] = proof(before, self._figures('ct'))
            return cycles
        finally:
            end(process)
            clean(self.name, self.place.hugetlbfs)

    def measure(self, _case, thread, seconds):
        return thread.measure(seconds, self._received)

    def _figures(self, kind):
        shown = subprocess.run([f'{self.binaries}/dpdkfwd-stat', '-f', self.name, 'show', kind, '--json'],
                               capture_output=True, text=True, check=False)
        if shown.returncode:
            raise RuntimeError('dpdkfwd-stat: ' + shown.stderr.strip())
        return json.loads(shown.stdout)['total']

    def _received(self):
        return self._figures('lcores')['rx_packets']

    def _wait(self, process):
        """Until packets flow."""
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.3)
            try:
                if self._received() > 0:
                    return
            except RuntimeError:  # no segment yet
                pass
        end(process)
        raise RuntimeError(f'dpdkfwd does not forward, status {process.returncode}: {process.stdout.read()[:400]}')

    def _settle(self):
        """Until the table is what it will be: connections are there, and assured, which takes UDP two seconds."""
        time.sleep(1)
        before, deadline = self._figures('ct'), time.monotonic() + 30
        while self.place.row.is_cached and time.monotonic() < deadline:
            time.sleep(0.5)
            after = self._figures('ct')
            if proof(before, after)['hits_percent'] >= 99.5:
                return
            before = after

    def close(self):
        clean(self.name, self.place.hugetlbfs)


def proof(before, after):
    """What the packets of a window were, by the tracker's own figures."""
    def more(key):
        return after[key] - before[key]

    packets = sum(after['classes'][key] - before['classes'][key] for key in after['classes'])
    return {'hits_percent': round(100 * more('cache_hits') / max(1, packets), 2), 'entries': after['entries'],
            'opened': more('insert'), 'invalid': more('invalid'), 'refused': more('drop'),
            'early_drop': more('early_drop')}


class Reference:
    """The C reference on plain DPDK calls, its own `io` beside it: `route` checks version and TTL, counts the TTL down,
    mends the checksum and writes the Ethernet addresses; `hash` also looks the tuple up and counts in a record; `csum`
    verifies checksums, too; `churn` opens a connection and closes another with each packet; `reass` puts datagrams
    together with rte_ip_frag and sends each as a chain."""

    def __init__(self, place, folder, peers):
        self.place = place
        self.name = prefix('cref')
        self.program = os.path.join(folder, 'cref')
        source = os.path.join(peers, 'cref.c')
        if not os.path.exists(self.program) or os.path.getmtime(self.program) < os.path.getmtime(source):
            os.makedirs(folder, exist_ok=True)
            words = [subprocess.run(['pkg-config', flag, 'libdpdk'], capture_output=True, text=True, check=True)
                     .stdout.split() for flag in ('--cflags', '--libs')]
            subprocess.run(['cc', '-O3', '-march=native', '-DALLOW_EXPERIMENTAL_API', *words[0], '-o', self.program,
                            source, *words[1]], check=True)

    def _modes(self):
        row = self.place.row
        if row.story == 'refused':
            return ['io', 'churn']
        if row.pieces > 1:
            return ['io', 'reass']
        return ['io', 'route'] + (['hash', 'csum'] if row.is_ipv4 else [])

    def round(self, seconds):
        place, modes = self.place, self._modes()
        run = subprocess.run(
            [self.program, *place.eal(self.name, str(place.worker)), '--', '1', str(seconds), ','.join(modes),
             str(place.row.connections)],
            env=dict(os.environ, CREF_MBUFS=str(place.row.mbufs), CREF_ROOM=str(place.row.mbuf_size)),
            capture_output=True, text=True, check=False)
        found = re.findall(r'^RESULT (\S+) ([\d.]+)', run.stdout, re.M)
        if len(found) != len(modes):
            raise RuntimeError('the C reference failed: ' + run.stderr[-800:])
        return {f'cref-{mode}': float(cycles) for mode, cycles in found}

    def close(self):
        clean(self.name)


class OpenVSwitch:
    """OVS-DPDK, stopped between windows: `ovs` by rules on an IP prefix, `ovs-ct` by rules that track connections, with
    the cache setting that a first look at the latter finds best."""

    @staticmethod
    def refuses(row):
        """Why a row is not for it, or `None`."""
        if not row.flows:
            return 'its rules want IP'
        if row.packets > 200_000:
            return 'its pool has 262144 buffers at most'
        if row.longest > 1514:
            return 'its MTU is 1500'
        if row.pieces > 1 and row.longest < 462:
            return 'it refuses fragments below 400 bytes'
        return None if hugepages_free() >= (900 << 20) + row.memory else 'too few hugepages are free'

    def __init__(self, place, folder, peers):
        os.environ.update(PEERS_DIR=os.path.join(folder, 'ovs'), PEERS_CPU_MAIN=str(place.main),
                          PEERS_CPU_PMD=str(place.worker))
        if peers not in sys.path:
            sys.path.append(peers)
        import ovs
        self.switch = ovs.Ovs(place.capture or 'null')
        try:
            self.switch.start()
            self.switch.flows('ct')
            tries = {}
            for cache, keys in ovs.CACHES.items():
                self._configure(keys)
                time.sleep(1)
                tries[self.switch.measure(0.3)['cyc'] or float('inf')] = cache
            self.cache = tries[min(tries)]
            self._configure(ovs.CACHES[self.cache])
            self.switch.freeze(True)
        except BaseException:
            self.close()
            raise

    def _configure(self, keys):
        settings = [f'other_config:{key}={value}' for key, value in keys.items()]
        self.switch.vsctl('set', 'Open_vSwitch', '.', *settings)
        time.sleep(1)

    def round(self, seconds):
        self.switch.freeze(False)
        cycles = {}
        for case, rules in (('ovs', 'plainip'), ('ovs-ct', 'ct')):
            self.switch.flows(rules, flush=False)
            time.sleep(0.5)
            cycles[case] = self.switch.measure(seconds)['cyc']
        self.switch.freeze(True)
        return cycles

    def close(self):
        self.switch.close()
        clean(f'peers-ovs-{os.getpid()}')
