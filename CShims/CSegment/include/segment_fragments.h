// The records of reassembly: datagrams in the making and the fragments they have so far, in arenas of the segment, one
// shard a worker.
#ifndef SEGMENT_FRAGMENTS_H
#define SEGMENT_FRAGMENTS_H

#include "segment_file.h"

#define SEGMENT_FRAG_EVENTS 32
#define SEGMENT_FRAG_DATAGRAM_EVENTS 16

/// A datagram of which fragments are held, or which was discarded and is remembered so that nothing restarts it.
///
/// `generation` guards the record as it does a connection's. Addresses are in network byte order, everything else in the
/// host's. Links between records are numbers + 1; 0: none.
struct dpdkfwd_frag_record {
  uint32_t generation;
  uint32_t identification;
  uint8_t source[16];          // IPv4: the first four bytes, the others zero
  uint8_t destination[16];
  uint16_t zone;
  uint8_t protocol;            // IPv4, of which it is part of the key; IPv6: behind the extension headers, 0 until known
  uint8_t flags;               // DPDKFWD_FRAG_*
  uint16_t vlan_outer;         // 0xFFFF: no such tag
  uint16_t vlan_inner;
  uint32_t first;              // the fragments, in the order of their offsets
  uint32_t last;
  uint32_t covered;            // payload bytes there are, without holes
  uint32_t end;                // payload bytes of the datagram; DPDKFWD_FRAG_NO_END until its last fragment is there

  uint16_t fragments;          // held now
  uint16_t reserved0;
  uint32_t bytes;              // of the frames held
  uint32_t mbufs;              // that they lie in
  uint16_t largest;            // IP packet, in bytes
  uint16_t largest_frame;      // in bytes
  uint32_t began;              // milliseconds on the worker's clock, compared modulo 2^32
  uint32_t deadline;
  uint32_t older;              // neighbours in order of age, among those that end the same way
  uint32_t newer;              // while free: the next free one
  uint16_t source_port;        // as connections have them, once the first fragment is there
  uint16_t destination_port;
  uint8_t ecn;                 // bits 0-3: a fragment had that codepoint; bit 4: one must not be cut
  uint8_t marks;               // of the frames, together
  uint8_t reserved[2];
  uint32_t source_bucket;      // where its fragments are counted for its source
  uint32_t reserved2[5];
};
SEGMENT_SIZE(dpdkfwd_frag_record, 128);
SEGMENT_AT(dpdkfwd_frag_record, identification, 4);
SEGMENT_AT(dpdkfwd_frag_record, source, 8);
SEGMENT_AT(dpdkfwd_frag_record, destination, 24);
SEGMENT_AT(dpdkfwd_frag_record, zone, 40);
SEGMENT_AT(dpdkfwd_frag_record, flags, 43);
SEGMENT_AT(dpdkfwd_frag_record, vlan_outer, 44);
SEGMENT_AT(dpdkfwd_frag_record, first, 48);
SEGMENT_AT(dpdkfwd_frag_record, covered, 56);
SEGMENT_AT(dpdkfwd_frag_record, end, 60);
SEGMENT_AT(dpdkfwd_frag_record, fragments, 64);
SEGMENT_AT(dpdkfwd_frag_record, bytes, 68);
SEGMENT_AT(dpdkfwd_frag_record, largest, 76);
SEGMENT_AT(dpdkfwd_frag_record, began, 80);
SEGMENT_AT(dpdkfwd_frag_record, older, 88);
SEGMENT_AT(dpdkfwd_frag_record, source_port, 96);
SEGMENT_AT(dpdkfwd_frag_record, ecn, 100);
SEGMENT_AT(dpdkfwd_frag_record, source_bucket, 104);

/// Bits of `flags`.
static const uint8_t DPDKFWD_FRAG_IPV6 = 1;
static const uint8_t DPDKFWD_FRAG_FIRST = 2;      // the fragment at offset 0 is there
static const uint8_t DPDKFWD_FRAG_LAST = 4;       // the one without "more fragments"
static const uint8_t DPDKFWD_FRAG_COMPLETE = 8;   // all there, on its way out
static const uint8_t DPDKFWD_FRAG_DISCARDED = 16; // nothing is held, and what still comes is dropped

static const uint32_t DPDKFWD_FRAG_NO_END = 0xFFFFFFFF;

/// A fragment that is held: its part of the payload. The packet itself is the worker's.
struct dpdkfwd_frag_piece_record {
  uint32_t owner;    // generation of the datagram; 0 while the record is free
  uint32_t next;     // number + 1 of the fragment behind it; 0: none. While free: the next free one
  uint16_t offset;   // bytes of payload in front of it
  uint16_t length;   // bytes of payload
  uint16_t mbufs;
  uint8_t more;      // "more fragments"
  uint8_t reserved;
};
SEGMENT_SIZE(dpdkfwd_frag_piece_record, 16);
SEGMENT_AT(dpdkfwd_frag_piece_record, next, 4);
SEGMENT_AT(dpdkfwd_frag_piece_record, offset, 8);
SEGMENT_AT(dpdkfwd_frag_piece_record, length, 10);
SEGMENT_AT(dpdkfwd_frag_piece_record, mbufs, 12);
SEGMENT_AT(dpdkfwd_frag_piece_record, more, 14);

/// A worker's fragment table: its settings, how full it is; committed with the lcore's counters.
struct dpdkfwd_frag_shard_record {
  uint32_t lcore;
  uint32_t per_datagram;       // fragments that one datagram may have
  uint64_t clock_zero;         // nanoseconds of CLOCK_MONOTONIC where the worker's milliseconds began
  uint8_t enabled[2];          // IPv4, IPv6: 0 off, 1 on
  uint16_t smallest[2];        // IP packet in bytes that a fragment other than the last must have; 0: any
  uint8_t high_watermark;      // percent of a limit
  uint8_t low_watermark;
  uint32_t timeout[2];         // milliseconds
  uint64_t fragments;          // gauges from here, each with its high-water mark and its limit
  uint64_t fragments_max;
  uint64_t fragments_limit;
  uint64_t datagrams;          // discarded ones included
  uint64_t datagrams_max;
  uint64_t datagrams_limit;
  uint64_t mbufs;
  uint64_t mbufs_max;
  uint64_t mbufs_limit;
  uint64_t bytes;              // of frames
  uint64_t bytes_max;
  uint64_t bytes_limit;
  uint64_t source_max;         // buffers that fragments of one source lie in
  uint64_t source_limit;
  uint64_t discarded;          // datagrams that are remembered only
  uint64_t steps;              // counter: fragments passed by in search of a place
};
SEGMENT_SIZE(dpdkfwd_frag_shard_record, 160);
SEGMENT_AT(dpdkfwd_frag_shard_record, clock_zero, 8);
SEGMENT_AT(dpdkfwd_frag_shard_record, enabled, 16);
SEGMENT_AT(dpdkfwd_frag_shard_record, smallest, 18);
SEGMENT_AT(dpdkfwd_frag_shard_record, high_watermark, 22);
SEGMENT_AT(dpdkfwd_frag_shard_record, timeout, 24);
SEGMENT_AT(dpdkfwd_frag_shard_record, fragments, 32);
SEGMENT_AT(dpdkfwd_frag_shard_record, steps, 152);

/// What a worker counted of one family under one heading: an event of fragments, or of datagrams.
struct dpdkfwd_frag_count_record {
  uint64_t count;
  uint32_t lcore;
  uint16_t event;    // the first family's come first
  uint8_t family;    // 0 IPv4, 1 IPv6
  uint8_t reserved;
};
SEGMENT_SIZE(dpdkfwd_frag_count_record, 16);
SEGMENT_AT(dpdkfwd_frag_count_record, lcore, 8);
SEGMENT_AT(dpdkfwd_frag_count_record, event, 12);
SEGMENT_AT(dpdkfwd_frag_count_record, family, 14);

#endif
