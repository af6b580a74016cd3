"""The ruler: time that one thread really had the CPU, and what packets cost in it."""
import os
import re
import time

with open('/proc/cpuinfo', encoding='utf8') as _file:
    CPUINFO = _file.read()
_bogomips = re.search(r'bogomips\s*:\s*([\d.]+)', CPUINFO, re.I)
# Of the time stamp counter on x86, whose ticks are the cycles here.
GHZ = float(_bogomips.group(1)) / 2000 if _bogomips else 1.0


class Thread:
    """A forwarding thread, found by the name that the EAL gave it."""

    def __init__(self, pid, name):
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/comm', encoding='utf8') as file:
                if re.fullmatch(name, file.read().strip()):
                    self.schedstat = f'/proc/{pid}/task/{task}/schedstat'
                    return
        raise RuntimeError(f'process {pid} has no thread {name}')

    def on_cpu(self):
        """Nanoseconds so far."""
        with open(self.schedstat, encoding='utf8') as file:
            return int(file.read().split()[0])

    def measure(self, seconds, count):
        """Cycles a packet of one window, which goes on until the thread has had the CPU for a fifth of `seconds`.

        Time is read before the packets at both ends, so that the delay between the two cancels out."""
        before, packets = self.on_cpu(), count()
        for _ in range(20):
            time.sleep(seconds)
            if self.on_cpu() - before > seconds * 2e8:
                break
        else:
            raise RuntimeError(f'{self.schedstat}: other work holds the CPU')
        after, packets_after = self.on_cpu(), count()
        if packets_after == packets:
            raise RuntimeError(f'{self.schedstat}: ran and forwarded nothing')
        return (after - before) * GHZ / (packets_after - packets)


class Together(Thread):
    """Several threads as one: their time is added up."""

    def __init__(self, threads):
        self.threads = threads
        self.schedstat = ', '.join(thread.schedstat for thread in threads)

    def on_cpu(self):
        return sum(thread.on_cpu() for thread in self.threads)
