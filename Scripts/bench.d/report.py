"""What a run found: medians, spreads, ratios; as a table, as JSON, and beside an older run."""
import json
import os
import platform
import re
import statistics
import subprocess

import window

HEADING = f'{"row":16} {"case":11} {"cycles":>8} {"spread":>7} {"lowest":>8} {"Mpps":>7} {"to io":>7} {"net of io":>10}'


def spread(values):
    """Half of the interquartile range over the median, in per cent."""
    if len(values) < 3:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4)
    return 100 * (high - low) / 2 / middle


def judge(rounds, floor_of):
    """Cases from the rounds, each a case's cycles by name.

    Ratios and differences are taken round by round, so that what slows a whole round falls out of them."""
    cases = {}
    for case in rounds[0]:
        cycles, floor = [each[case] for each in rounds], floor_of(case)
        cases[case] = {
            'cycles': round(statistics.median(cycles), 1),
            'spread_percent': round(spread(cycles), 1),
            'lowest': round(min(cycles), 1),
            'mpps': round(window.GHZ * 1000 / statistics.median(cycles), 2),
            'to_io': round(statistics.median(each[case] / each[floor] for each in rounds), 3),
            'net': round(statistics.median(each[case] - each[floor] for each in rounds), 1),
            'windows': [round(each, 1) for each in cycles],
        }
    return cases


def found(row, place, cases, proof, notes):
    """One row of the report; `proof` is what dpdkfwd counted in its last windows."""
    for case, said in proof.items():
        cases[case]['proof'] = said
        notes.append(f'{case}: {said["hits_percent"]} % from the cache, {said["entries"]} entries, '
                     f'{said["opened"]} opened, {said["invalid"]} invalid, {said["refused"]} refused')
    return {'row': row.name, 'what': row.what, 'pages': '2M' if place.huge else '4k',
            'segment': '2M' if place.hugetlbfs else '4k', 'cases': cases, 'notes': notes}


def summarize(row, place, rounds, proof, notes):
    for case in {case for each in rounds for case, cycles in each.items() if cycles is None}:
        notes.append(f'without {case}: it forwarded nothing in some window')
        for each in rounds:
            each.pop(case, None)
    cases = judge(rounds, lambda case: 'cref-io' if case.startswith('cref') else 'io')
    if 'cref-churn' in cases:
        notes.append(f'open and close, net: {2 * cases["tracked"]["net"]:.0f} cycles of two packets; '
                     f'C reference {cases["cref-churn"]["net"]:.0f} with one packet')
    if 'cref-reass' in cases:
        ratio = statistics.median(each['tracked'] / each['cref-reass'] for each in rounds)
        notes.append(f'a fragment costs {ratio:.2f} times what it costs the C reference, which tracks nothing')
        if 'ovs-ct' in cases:
            notes.append(f'OVS {statistics.median(each["ovs-ct"] / each["tracked"] for each in rounds):.1f} times ours')
    return found(row, place, cases, proof, notes)


def scaling(row, place, rounds, proof):
    """Workers beside one: what stands as `to io` and `net of io` is to and net of one worker."""
    cases = judge(rounds, lambda case: 'one')
    ratio = 2 * statistics.median(each['one'] / each['two'] for each in rounds)
    notes = [f'two workers forward {ratio:.2f} times the packets of one in as much time on their CPUs']
    return found(row, place, cases, proof, notes)


def churning(row, place, rounds, churn):
    """Connections that come and go, watched and not: what stands as `to io` and `net of io` is to and net of a forwarder
    whose events are off."""
    cases = judge(rounds, lambda case: 'off')
    notes = [f'{case}: {statistics.median(rates) / 1000:.0f}k connections opened a second, and as many closed'
             for case, rates in churn.rates.items()]
    notes += [f'follower {number}: {shown} events shown, {lost} told to be lost'
              for number, (shown, lost) in enumerate(churn.seen, 1)]
    return found(row, place, cases, churn.proof, notes)


def ruled(row, place, rounds, side):
    """Packets that meet rules: what stands as `to io` and `net of io` is to and net of a forwarder without rules."""
    return found(row, place, judge(rounds, lambda case: 'none'), side.proof, [])


def replaced(row, place, rounds, side):
    """Rules replaced while packets pass: what stands as `to io` and `net of io` is to and net of the same rules left as
    they are."""
    cases = judge(rounds, lambda case: case.rsplit('-', 1)[0] + '-still')
    notes = [f'{case}: {statistics.median(rates):.0f} rulesets a second' for case, rates in side.rates.items()]
    return found(row, place, cases, side.proof, notes)


def machine(binaries):
    """What the figures belong to. The commit is the one checked out where the binaries lie."""
    def said(*words):
        return subprocess.run(words, cwd=binaries, capture_output=True, text=True, check=False).stdout.strip()

    model = re.search(r'model name\s*:\s*(.*)', window.CPUINFO)
    return {'commit': said('git', 'describe', '--always', '--dirty', '--exclude=*') or 'unknown',
            'cpu': model.group(1) if model else platform.machine(), 'cpus': os.cpu_count(),
            'tsc_ghz': round(window.GHZ, 3), 'kernel': platform.release(),
            'dpdk': said('pkg-config', '--modversion', 'libdpdk')}


def table(result):
    lines = [f'{result["row"]:16} {case:11} {one["cycles"]:8.1f} {one["spread_percent"]:6.1f}% {one["lowest"]:8.1f} '
             f'{one["mpps"]:7.2f} {one["to_io"]:7.3f} {one["net"]:10.1f}' for case, one in result['cases'].items()]
    return '\n'.join(lines + [f'{result["row"]:16} {note}' for note in result['notes']])


def markdown(results):
    """The table of docs/performance.md: cycles a packet; what is net is of its own io."""
    def cell(cases, case, key='cycles'):
        return f'{cases[case][key]:.0f}' if case in cases else ''

    lines = ['| row | io | off, net | tracked | spread | to io | **net** | software, net | C, net | C with sums, net '
             '| OVS ct | cached |', '| --- |' + ' ---: |' * 11]
    for result in results:
        cases = result['cases']
        reference = next((case for case in ('cref-churn', 'cref-reass') if case in cases), 'cref-hash')
        lines.append('| ' + ' | '.join([
            result['row'], cell(cases, 'io'), cell(cases, 'off', 'net'), cell(cases, 'tracked'),
            f'{cases["tracked"]["spread_percent"]:.0f} %', f'{cases["tracked"]["to_io"]:.2f}',
            f'**{cell(cases, "tracked", "net")}**', cell(cases, 'software', 'net'), cell(cases, reference, 'net'),
            cell(cases, 'cref-csum', 'net'), cell(cases, 'ovs-ct'),
            f'{cases["tracked"]["proof"]["hits_percent"]:.0f} %']) + ' |')
    return '\n'.join(lines)


def write(path, about, results):
    with open(path, 'w', encoding='utf8') as file:
        json.dump({'format': 2, 'machine': about, 'rows': results}, file, indent=1)
        file.write('\n')


def compare(path, about, results):
    """Net of io, before and now: what a change to the forwarder alone can move. A difference is called one when it is
    larger than the spreads of both runs."""
    with open(path, encoding='utf8') as file:
        old = json.load(file)
    before = {row['row']: row for row in old['rows']}
    print(f'\nnet of io, {old["machine"]["commit"]} -> {about["commit"]}')
    for key in ('cpu', 'kernel', 'dpdk'):
        if old['machine'][key] != about[key]:
            print(f'  other {key}: {old["machine"][key]} then, {about[key]} now')
    for now in results:
        then = before.get(now['row'])
        if not then or then['pages'] != now['pages']:
            print(f'{now["row"]:16} not in the older run with {now["pages"]} pages')
            continue
        for case in sorted(now['cases'].keys() & then['cases'].keys() - {'io', 'cref-io'}):
            change = now['cases'][case]['net'] - then['cases'][case]['net']
            noise = sum(run['cases'][each]['cycles'] * run['cases'][each]['spread_percent'] / 100
                        for run in (then, now) for each in (case, 'io'))
            verdict = 'within noise' if abs(change) <= noise else 'slower' if change > 0 else 'faster'
            print(f'{now["row"]:16} {case:11} {then["cases"][case]["net"]:8.1f} -> {now["cases"][case]["net"]:8.1f} '
                  f'{change:+7.1f}  {verdict} (+- {noise:.1f})')
