// The records of rules: the named flow tables, as each worker has and counts them, and the way of traced packets.
#ifndef SEGMENT_RULES_H
#define SEGMENT_RULES_H

#include "segment_file.h"

/// A named flow table and what one worker counts of it; record k is table number k + 1.
struct dpdkfwd_flowtable_record {
  uint64_t generation;        // zero while there is no table of this number; moves when another takes it
  char name[64];
  char table[64];
  char family[8];
  uint64_t ports;             // one bit for each port that it is bound to
  uint32_t tcp_timeout;       // milliseconds
  uint32_t udp_timeout;
  uint32_t lcore;
  uint8_t number;             // as the connections' records name it
  uint8_t has_counter;
  uint8_t is_hardware;
  uint8_t reserved;
  uint64_t flows;             // that are in it now
  uint64_t added;
  uint64_t refused;           // packets that rules wanted in it and that could not be
  uint64_t packets;           // that took the short way, and their bytes from the IP header on
  uint64_t bytes;
  uint64_t ended[4];          // flows that left: idle, closed, outdated, removed
  uint64_t hardware_dropped;  // requests that the queue to the hardware had no room for
};
SEGMENT_SIZE(dpdkfwd_flowtable_record, 248);
SEGMENT_AT(dpdkfwd_flowtable_record, name, 8);
SEGMENT_AT(dpdkfwd_flowtable_record, table, 72);
SEGMENT_AT(dpdkfwd_flowtable_record, family, 136);
SEGMENT_AT(dpdkfwd_flowtable_record, ports, 144);
SEGMENT_AT(dpdkfwd_flowtable_record, number, 164);
SEGMENT_AT(dpdkfwd_flowtable_record, flows, 168);
SEGMENT_AT(dpdkfwd_flowtable_record, ended, 208);
SEGMENT_AT(dpdkfwd_flowtable_record, hardware_dropped, 240);

/// A step of a traced packet's way through the rules. `sequence` is what a ring's entries begin with.
struct dpdkfwd_rule_trace_record {
  uint64_t sequence;
  uint64_t at;        // nanoseconds since 1970
  uint64_t handle;    // of the rule that held; 0: the end of a chain
  uint32_t trace;     // the same in all steps of a packet
  uint32_t program;   // number of the ruleset
  uint32_t chain;     // its place in that
  uint32_t mark;      // the packet's
  uint16_t ingress;   // ports by number; 0xFFFF: not known yet
  uint16_t egress;
  uint16_t length;    // of the frame, at most 65,535
  uint16_t shown;     // bytes of it that follow
  uint8_t hook;       // 0 ingress, 1 raw, 2 prerouting, 3 forward, 4 postrouting
  uint8_t verdict;    // 0 continue, 1 accept, 2 drop, 3 reject, 4 jump, 5 goto, 6 return, 7 and 8 accept and drop by policy
  uint8_t reserved[6];
  uint8_t frame[96];
};
SEGMENT_SIZE(dpdkfwd_rule_trace_record, 152);
SEGMENT_AT(dpdkfwd_rule_trace_record, trace, 24);
SEGMENT_AT(dpdkfwd_rule_trace_record, ingress, 40);
SEGMENT_AT(dpdkfwd_rule_trace_record, hook, 48);
SEGMENT_AT(dpdkfwd_rule_trace_record, frame, 56);

static inline uint64_t *segment_flowtable_ended(struct dpdkfwd_flowtable_record *record) { return record->ended; }

#endif
