// The records the forwarder keeps in its segment. The schema in the file takes every offset from here, so a reader
// needs this header only if it prefers structs to names.
#ifndef SEGMENT_RECORDS_H
#define SEGMENT_RECORDS_H

#include "segment_file.h"

#define SEGMENT_MAX_STAGES 16
#define SEGMENT_BURST_SIZES 8
#define SEGMENT_MAX_DROP_REASONS 64

/// The forwarder as a whole.
struct dpdkfwd_forwarder_record {
  uint64_t started_at;  // nanoseconds since 1970
  uint32_t pid;
  uint16_t ports;
  uint16_t lcores;      // that poll
  char version[32];
  char prefix[64];
  char mode[16];        // bridged, routed
};
SEGMENT_SIZE(dpdkfwd_forwarder_record, 128);
SEGMENT_AT(dpdkfwd_forwarder_record, started_at, 0);
SEGMENT_AT(dpdkfwd_forwarder_record, pid, 8);
SEGMENT_AT(dpdkfwd_forwarder_record, ports, 12);
SEGMENT_AT(dpdkfwd_forwarder_record, lcores, 14);
SEGMENT_AT(dpdkfwd_forwarder_record, version, 16);
SEGMENT_AT(dpdkfwd_forwarder_record, prefix, 48);
SEGMENT_AT(dpdkfwd_forwarder_record, mode, 112);

/// A port, with the counters its driver keeps.
struct dpdkfwd_port_record {
  uint64_t generation;
  uint16_t port;
  uint16_t pair;         // 65535: none
  int32_t socket;        // -1: any
  uint32_t mtu;          // bytes
  uint32_t link_speed;   // megabits per second
  uint8_t link;          // 0 down, 1 up
  uint8_t admin;         // 0 down, 1 up
  uint8_t promiscuous;   // 0 off, 1 on
  uint8_t reserved;
  uint16_t rx_queues;
  uint16_t tx_queues;
  uint8_t mac[6];
  uint8_t reserved2[2];
  char name[32];         // as settings and metrics call it
  char driver[32];
  char device[64];       // as EAL calls it
  uint64_t rx_packets;
  uint64_t rx_bytes;
  uint64_t rx_missed;    // packets
  uint64_t rx_errors;    // packets
  uint64_t rx_nombuf;    // packets
  uint64_t tx_packets;
  uint64_t tx_bytes;
  uint64_t tx_errors;    // packets
  uint64_t link_changes;
  uint64_t offload_rules;    // of flows that it knows itself
  uint64_t offload_refused;  // rules that its driver did not take
  char offload_reason[64];   // the driver's last words about that
};
SEGMENT_SIZE(dpdkfwd_port_record, 320);
SEGMENT_AT(dpdkfwd_port_record, generation, 0);
SEGMENT_AT(dpdkfwd_port_record, port, 8);
SEGMENT_AT(dpdkfwd_port_record, pair, 10);
SEGMENT_AT(dpdkfwd_port_record, socket, 12);
SEGMENT_AT(dpdkfwd_port_record, mtu, 16);
SEGMENT_AT(dpdkfwd_port_record, link_speed, 20);
SEGMENT_AT(dpdkfwd_port_record, link, 24);
SEGMENT_AT(dpdkfwd_port_record, admin, 25);
SEGMENT_AT(dpdkfwd_port_record, promiscuous, 26);
SEGMENT_AT(dpdkfwd_port_record, reserved, 27);
SEGMENT_AT(dpdkfwd_port_record, rx_queues, 28);
SEGMENT_AT(dpdkfwd_port_record, tx_queues, 30);
SEGMENT_AT(dpdkfwd_port_record, mac, 32);
SEGMENT_AT(dpdkfwd_port_record, reserved2, 38);
SEGMENT_AT(dpdkfwd_port_record, name, 40);
SEGMENT_AT(dpdkfwd_port_record, driver, 72);
SEGMENT_AT(dpdkfwd_port_record, device, 104);
SEGMENT_AT(dpdkfwd_port_record, rx_packets, 168);
SEGMENT_AT(dpdkfwd_port_record, rx_bytes, 176);
SEGMENT_AT(dpdkfwd_port_record, rx_missed, 184);
SEGMENT_AT(dpdkfwd_port_record, rx_errors, 192);
SEGMENT_AT(dpdkfwd_port_record, rx_nombuf, 200);
SEGMENT_AT(dpdkfwd_port_record, tx_packets, 208);
SEGMENT_AT(dpdkfwd_port_record, tx_bytes, 216);
SEGMENT_AT(dpdkfwd_port_record, tx_errors, 224);
SEGMENT_AT(dpdkfwd_port_record, link_changes, 232);

/// A polling lcore. `sequence` is odd while it commits, and covers its queues, drops, invalid and packets too.
struct dpdkfwd_lcore_record {
  uint64_t sequence;
  uint32_t lcore;
  int32_t cpu;            // -1: floating
  int32_t socket;         // -1: any
  uint8_t state;          // 0 idle, 1 running, 2 stopped, 3 unused
  uint8_t reserved[3];
  uint64_t breaths;
  uint64_t busy_breaths;  // that received at least one packet
  uint64_t sleeps;
  uint64_t cycles_busy;
  uint64_t cycles_idle;
  uint64_t cycles_sleep;
  uint64_t rx_packets;
  uint64_t rx_bytes;
  uint64_t tx_packets;
  uint64_t tx_bytes;
  uint64_t held;          // packets received, neither sent nor dropped yet
  uint64_t dropped;       // packets, over all reasons
  uint64_t stage_cycles[SEGMENT_MAX_STAGES];
  uint64_t burst_sizes[SEGMENT_BURST_SIZES];  // receive bursts of 0, 1, 2-3, 4-7, 8-15, 16-31, 32-63, 64+ packets
  uint64_t last_breath;   // TSC
  uint64_t handed_out;      // packets that other lcores' rings took
  uint64_t handed_in;       // packets that came from other lcores
  uint64_t handoff_dropped; // packets that a full ring never took
  uint64_t cut_from;        // fragments whose datagram left cut anew, for the egress MTU
  uint64_t cut_into;        // the fragments that were sent in their place
};
SEGMENT_SIZE(dpdkfwd_lcore_record, 360);
SEGMENT_AT(dpdkfwd_lcore_record, sequence, 0);
SEGMENT_AT(dpdkfwd_lcore_record, lcore, 8);
SEGMENT_AT(dpdkfwd_lcore_record, cpu, 12);
SEGMENT_AT(dpdkfwd_lcore_record, socket, 16);
SEGMENT_AT(dpdkfwd_lcore_record, state, 20);
SEGMENT_AT(dpdkfwd_lcore_record, reserved, 21);
SEGMENT_AT(dpdkfwd_lcore_record, breaths, 24);
SEGMENT_AT(dpdkfwd_lcore_record, busy_breaths, 32);
SEGMENT_AT(dpdkfwd_lcore_record, sleeps, 40);
SEGMENT_AT(dpdkfwd_lcore_record, cycles_busy, 48);
SEGMENT_AT(dpdkfwd_lcore_record, cycles_idle, 56);
SEGMENT_AT(dpdkfwd_lcore_record, cycles_sleep, 64);
SEGMENT_AT(dpdkfwd_lcore_record, rx_packets, 72);
SEGMENT_AT(dpdkfwd_lcore_record, rx_bytes, 80);
SEGMENT_AT(dpdkfwd_lcore_record, tx_packets, 88);
SEGMENT_AT(dpdkfwd_lcore_record, tx_bytes, 96);
SEGMENT_AT(dpdkfwd_lcore_record, held, 104);
SEGMENT_AT(dpdkfwd_lcore_record, dropped, 112);
SEGMENT_AT(dpdkfwd_lcore_record, stage_cycles, 120);
SEGMENT_AT(dpdkfwd_lcore_record, burst_sizes, 248);
SEGMENT_AT(dpdkfwd_lcore_record, last_breath, 312);
SEGMENT_AT(dpdkfwd_lcore_record, handed_out, 320);
SEGMENT_AT(dpdkfwd_lcore_record, handed_in, 328);
SEGMENT_AT(dpdkfwd_lcore_record, handoff_dropped, 336);
SEGMENT_AT(dpdkfwd_lcore_record, cut_from, 344);
SEGMENT_AT(dpdkfwd_lcore_record, cut_into, 352);

/// One direction of one queue, as the lcore that polls it counts it.
struct dpdkfwd_queue_record {
  uint64_t generation;
  uint64_t packets;
  uint64_t bytes;
  uint64_t bursts;       // that carried at least one packet
  uint64_t full_bursts;
  uint64_t retries;      // transmit only
  uint64_t dropped;      // transmit only: packets the queue never took
  uint32_t lcore;
  uint16_t port;
  uint16_t queue;
  uint8_t direction;     // 0 rx, 1 tx
  uint8_t reserved[7];
};
SEGMENT_SIZE(dpdkfwd_queue_record, 72);
SEGMENT_AT(dpdkfwd_queue_record, generation, 0);
SEGMENT_AT(dpdkfwd_queue_record, packets, 8);
SEGMENT_AT(dpdkfwd_queue_record, bytes, 16);
SEGMENT_AT(dpdkfwd_queue_record, bursts, 24);
SEGMENT_AT(dpdkfwd_queue_record, full_bursts, 32);
SEGMENT_AT(dpdkfwd_queue_record, retries, 40);
SEGMENT_AT(dpdkfwd_queue_record, dropped, 48);
SEGMENT_AT(dpdkfwd_queue_record, lcore, 56);
SEGMENT_AT(dpdkfwd_queue_record, port, 60);
SEGMENT_AT(dpdkfwd_queue_record, queue, 62);
SEGMENT_AT(dpdkfwd_queue_record, direction, 64);
SEGMENT_AT(dpdkfwd_queue_record, reserved, 65);

/// What an lcore counted under one heading: a drop reason, an invalid reason, a kind of packet.
struct dpdkfwd_tally_record {
  uint64_t packets;
  uint64_t bytes;
  uint32_t heading;  // the index of the record in its shard
  uint32_t lcore;
};
SEGMENT_SIZE(dpdkfwd_tally_record, 24);
SEGMENT_AT(dpdkfwd_tally_record, packets, 0);
SEGMENT_AT(dpdkfwd_tally_record, bytes, 8);
SEGMENT_AT(dpdkfwd_tally_record, heading, 16);
SEGMENT_AT(dpdkfwd_tally_record, lcore, 20);

/// A pool of packet buffers.
struct dpdkfwd_mempool_record {
  uint64_t generation;
  char name[32];
  uint64_t size;          // buffers
  uint64_t in_use;        // buffers
  uint64_t in_use_max;    // buffers, the most ever seen
  uint64_t cached;        // buffers free in lcore caches
  uint32_t data_room;     // bytes
  uint32_t element_size;  // bytes
  int32_t socket;         // -1: any
  uint32_t reserved;
};
SEGMENT_SIZE(dpdkfwd_mempool_record, 88);
SEGMENT_AT(dpdkfwd_mempool_record, generation, 0);
SEGMENT_AT(dpdkfwd_mempool_record, name, 8);
SEGMENT_AT(dpdkfwd_mempool_record, size, 40);
SEGMENT_AT(dpdkfwd_mempool_record, in_use, 48);
SEGMENT_AT(dpdkfwd_mempool_record, in_use_max, 56);
SEGMENT_AT(dpdkfwd_mempool_record, cached, 64);
SEGMENT_AT(dpdkfwd_mempool_record, data_room, 72);
SEGMENT_AT(dpdkfwd_mempool_record, element_size, 76);
SEGMENT_AT(dpdkfwd_mempool_record, socket, 80);
SEGMENT_AT(dpdkfwd_mempool_record, reserved, 84);

// The history: rings whose entries are written over, the oldest first. `sequence` numbers the entries from 1 and has
// SEGMENT_UNFINISHED added while its entry is written; entry n lies in record (n - 1) modulo the records of the shard.

/// What an lcore had counted at one moment; a shard is the history of one lcore.
struct dpdkfwd_lcore_history_record {
  uint64_t sequence;
  uint64_t at;         // nanoseconds since 1970
  uint64_t monotonic;  // nanoseconds of CLOCK_MONOTONIC
  uint32_t lcore;
  uint32_t reserved;
  uint64_t breaths;
  uint64_t busy_breaths;
  uint64_t sleeps;
  uint64_t cycles_busy;
  uint64_t cycles_idle;
  uint64_t cycles_sleep;
  uint64_t rx_packets;
  uint64_t rx_bytes;
  uint64_t tx_packets;
  uint64_t tx_bytes;
  uint64_t held;
  uint64_t dropped;
  uint64_t drops[SEGMENT_MAX_DROP_REASONS];  // packets, by reason
};
SEGMENT_SIZE(dpdkfwd_lcore_history_record, 640);
SEGMENT_AT(dpdkfwd_lcore_history_record, sequence, 0);
SEGMENT_AT(dpdkfwd_lcore_history_record, at, 8);
SEGMENT_AT(dpdkfwd_lcore_history_record, monotonic, 16);
SEGMENT_AT(dpdkfwd_lcore_history_record, lcore, 24);
SEGMENT_AT(dpdkfwd_lcore_history_record, reserved, 28);
SEGMENT_AT(dpdkfwd_lcore_history_record, breaths, 32);
SEGMENT_AT(dpdkfwd_lcore_history_record, busy_breaths, 40);
SEGMENT_AT(dpdkfwd_lcore_history_record, sleeps, 48);
SEGMENT_AT(dpdkfwd_lcore_history_record, cycles_busy, 56);
SEGMENT_AT(dpdkfwd_lcore_history_record, cycles_idle, 64);
SEGMENT_AT(dpdkfwd_lcore_history_record, cycles_sleep, 72);
SEGMENT_AT(dpdkfwd_lcore_history_record, rx_packets, 80);
SEGMENT_AT(dpdkfwd_lcore_history_record, rx_bytes, 88);
SEGMENT_AT(dpdkfwd_lcore_history_record, tx_packets, 96);
SEGMENT_AT(dpdkfwd_lcore_history_record, tx_bytes, 104);
SEGMENT_AT(dpdkfwd_lcore_history_record, held, 112);
SEGMENT_AT(dpdkfwd_lcore_history_record, dropped, 120);
SEGMENT_AT(dpdkfwd_lcore_history_record, drops, 128);

/// What the driver of a port had counted at one moment; a shard is the history of one port.
struct dpdkfwd_port_history_record {
  uint64_t sequence;
  uint64_t at;         // nanoseconds since 1970
  uint64_t monotonic;  // nanoseconds of CLOCK_MONOTONIC
  uint16_t port;
  uint8_t link;        // 0 down, 1 up
  uint8_t reserved[5];
  uint64_t rx_packets;
  uint64_t rx_bytes;
  uint64_t rx_missed;  // packets
  uint64_t rx_errors;  // packets
  uint64_t rx_nombuf;  // packets
  uint64_t tx_packets;
  uint64_t tx_bytes;
  uint64_t tx_errors;  // packets
};
SEGMENT_SIZE(dpdkfwd_port_history_record, 96);
SEGMENT_AT(dpdkfwd_port_history_record, sequence, 0);
SEGMENT_AT(dpdkfwd_port_history_record, at, 8);
SEGMENT_AT(dpdkfwd_port_history_record, monotonic, 16);
SEGMENT_AT(dpdkfwd_port_history_record, port, 24);
SEGMENT_AT(dpdkfwd_port_history_record, link, 26);
SEGMENT_AT(dpdkfwd_port_history_record, reserved, 27);
SEGMENT_AT(dpdkfwd_port_history_record, rx_packets, 32);
SEGMENT_AT(dpdkfwd_port_history_record, rx_bytes, 40);
SEGMENT_AT(dpdkfwd_port_history_record, rx_missed, 48);
SEGMENT_AT(dpdkfwd_port_history_record, rx_errors, 56);
SEGMENT_AT(dpdkfwd_port_history_record, rx_nombuf, 64);
SEGMENT_AT(dpdkfwd_port_history_record, tx_packets, 72);
SEGMENT_AT(dpdkfwd_port_history_record, tx_bytes, 80);
SEGMENT_AT(dpdkfwd_port_history_record, tx_errors, 88);

/// How full a pool was at one moment; a shard is the history of one pool.
struct dpdkfwd_mempool_history_record {
  uint64_t sequence;
  uint64_t at;         // nanoseconds since 1970
  uint64_t monotonic;  // nanoseconds of CLOCK_MONOTONIC
  uint32_t pool;
  uint32_t reserved;
  uint64_t in_use;     // buffers
  uint64_t cached;     // buffers free in lcore caches
};
SEGMENT_SIZE(dpdkfwd_mempool_history_record, 48);
SEGMENT_AT(dpdkfwd_mempool_history_record, sequence, 0);
SEGMENT_AT(dpdkfwd_mempool_history_record, at, 8);
SEGMENT_AT(dpdkfwd_mempool_history_record, monotonic, 16);
SEGMENT_AT(dpdkfwd_mempool_history_record, pool, 24);
SEGMENT_AT(dpdkfwd_mempool_history_record, reserved, 28);
SEGMENT_AT(dpdkfwd_mempool_history_record, in_use, 32);
SEGMENT_AT(dpdkfwd_mempool_history_record, cached, 40);

#endif
