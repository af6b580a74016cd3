"""Two workers beside one: what a packet costs when both CPUs forward at once."""
import subprocess
import time

import sides
import window

CASES = {'one': 1, 'two': 2}


class Workers:
    """dpdkfwd with a source and a sink for each worker, which owns what comes by its source.

    Cycles a packet are of all workers' CPUs together: two workers that do not disturb each other cost what one does."""

    def __init__(self, place, binaries):
        self.place, self.binaries = place, binaries
        self.name = sides.prefix('workers')
        self.proof = {}

    def round(self, seconds):
        return {case: self._window(case, count, seconds) for case, count in CASES.items()}

    def _window(self, case, count, seconds):
        place = self.place
        row = place.row
        # lcore 0 is the main one, and shares a CPU.
        cpus = [place.main, place.worker][-count:]
        lcores = ','.join([f'0@{place.main}'] + [f'{lcore}@{cpu}' for lcore, cpu in enumerate(cpus, 1)])
        queues = ','.join(f'({port},0,{1 + port // 2})' for port in range(2 * count))
        devices = [device for lcore in range(count) for device in (
            f'net_pcap{2 * lcore},rx_pcap={place.capture},infinite_rx=1', f'net_null{2 * lcore + 1},no-rx=1')]
        memory = ['--huge-unlink'] if place.huge else ['--no-huge', '-m', str((2 * row.memory >> 20) * 5 // 4)]
        process = subprocess.Popen(
            [f'{self.binaries}/dpdkfwd', '--lcores', lcores, '--main-lcore', '0', '--no-pci', '--no-telemetry',
             '--file-prefix', self.name, *memory, *[word for device in devices for word in ('--vdev', device)], '--',
             '--log-level', 'error', '--idle-sleep', 'spin', '--mbufs', str(2 * row.mbufs), '--mbuf-size',
             str(row.mbuf_size), '--connections', str(row.connections), '--queue-map', queues],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            deadline = time.monotonic() + 60
            while not self._received():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f'dpdkfwd does not forward: {process.stdout.read()[:400]}')
                time.sleep(0.3)
            time.sleep(5)  # until UDP is assured and all is cached
            threads = [window.Thread(process.pid, rf'(lcore|rte)-worker-{lcore}') for lcore in range(1, count + 1)]
            before = self._figures('ct')
            cycles = window.Together(threads).measure(seconds, self._received)
            self.proof[case] = sides.proof(before, self._figures('ct'))
            return cycles
        finally:
            sides.end(process)
            sides.clean(self.name)

    def _figures(self, kind):
        return sides.figures(self.binaries, self.name, kind)

    def _received(self):
        return self._figures('lcores').get('rx_packets', 0)

    def close(self):
        sides.clean(self.name)
