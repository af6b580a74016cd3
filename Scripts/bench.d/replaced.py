"""Rules replaced as a whole while packets pass: how often a second, and what it costs the packets."""
import json
import os
import socket
import threading
import time

import ruled
import sides

COUNTS = (10, 1000)
# Rulesets a second that are asked for; `None`: the next one as soon as the one before is answered.
RATES = {'still': 0, '100': 100, 'fastest': None}


class Replacer(threading.Thread):
    """One client that stays connected, on the CPU where nobody forwards."""

    def __init__(self, name, texts, rate, cpu):
        super().__init__()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(f'/run/dpdkfwd/{name}/control')
        self.answers = self.socket.makefile('r', encoding='utf8')
        self.texts, self.rate, self.cpu = texts, rate, cpu
        self.count, self.lasted, self.fault, self.is_over = 0, 0.0, None, False

    def run(self):
        os.sched_setaffinity(0, {self.cpu})  # of this thread
        began = time.monotonic()
        try:
            while not self.is_over:
                self._replace()
                if self.rate:
                    time.sleep(max(0, began + self.count / self.rate - time.monotonic()))
        except (OSError, RuntimeError, ValueError) as fault:
            self.fault = fault
        self.lasted = time.monotonic() - began

    def _replace(self):
        source = {'name': 'bench', 'text': self.texts[self.count % 2]}
        request = {'jsonrpc': '2.0', 'id': self.count, 'method': 'ruleset.load', 'params': {'sources': [source]}}
        self.socket.sendall(json.dumps(request).encode() + b'\n')
        answer = json.loads(self.answers.readline())
        if 'error' in answer:
            raise RuntimeError(f'the rules were not replaced: {answer["error"]["message"]}')
        self.count += 1

    def end(self):
        """Rulesets a second that were replaced."""
        self.is_over = True
        self.join()
        self.socket.close()
        if self.fault:
            raise RuntimeError(str(self.fault))
        return self.count / self.lasted


class Replaced(ruled.Ruled):
    """dpdkfwd with rules that none of the packets fits, with and without a flow table behind them."""

    def __init__(self, place, binaries, folder):
        super().__init__(place, binaries, folder)
        self.cases, self.replaced, self.rates = {}, {}, {}
        for count in COUNTS:
            for kind, is_cached in (('', False), ('-flow', True)):
                text = ruled.text('unlike', count, is_cached)
                path = os.path.join(folder, f'replaced-{count}{kind}.nft')
                with open(path, 'w', encoding='ascii') as file:
                    file.write(text)
                for name, rate in RATES.items():
                    case = f'{count}{kind}-{name}'
                    self.cases[case] = ['--rules', path]
                    # Two that differ in a rule.
                    self.replaced[case] = ([text, text.replace('accept;\n', 'accept;\nmeta mark 77 drop\n', 1)], rate)

    def measure(self, case, thread, seconds):
        texts, rate = self.replaced[case]
        if rate == 0:
            return super().measure(case, thread, seconds)
        replacer = Replacer(self.name, texts, rate, self.place.main)
        replacer.start()
        try:
            return super().measure(case, thread, seconds)
        finally:
            self.rates.setdefault(case, []).append(replacer.end())
