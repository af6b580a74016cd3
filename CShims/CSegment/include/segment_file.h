// The parts of a segment that describe it: header, kinds, fields, enumerations, values, strings.
#ifndef SEGMENT_FILE_H
#define SEGMENT_FILE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_AT(type, member, at) static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define SEGMENT_SIZE(type, bytes) static_assert(sizeof(struct type) == (bytes), #type)

/// "DPDKFWDS" as the bytes lie in the file.
static const uint64_t SEGMENT_MAGIC = 0x534457464b445044;
/// A reader refuses another major; a minor only adds: descriptors may grow at their end, fields and kinds come and go.
static const uint16_t SEGMENT_MAJOR = 1;
static const uint16_t SEGMENT_MINOR = 2;
static const uint64_t SEGMENT_CHECKSUM_SEED = 0xcbf29ce484222325;
/// Added to the number of a ring's entry while it is written.
static const uint64_t SEGMENT_UNFINISHED = 0x8000000000000000;

/// The beginning of the file. All but the last 64 bytes are constant once the file has its name.
struct dpdkfwd_segment_header {
  uint64_t magic;
  uint16_t major;
  uint16_t minor;
  uint32_t header_size;        // bytes; the live part is the last 64 of the 512 known here
  uint64_t total_size;         // bytes, the file's whole length
  uint64_t checksum;           // FNV-1a of [0, 448) with this field as zero, then of [512, schema_end)
  uint8_t boot_id[16];         // random, one per start of the forwarder
  uint64_t started_wall;       // nanoseconds since 1970
  uint64_t started_monotonic;  // nanoseconds of CLOCK_MONOTONIC
  uint64_t tsc_hz;             // cycles per second of every field in cycles
  uint32_t writer_pid;
  uint32_t page_size;          // bytes, the host's
  uint32_t backing;            // 1 shared memory, 2 hugetlbfs
  uint32_t backing_page_size;  // bytes
  uint32_t kind_size;          // bytes from one descriptor to the next, here and in the three below
  uint32_t field_size;
  uint32_t enumeration_size;
  uint32_t value_size;
  uint32_t kind_count;
  uint32_t field_count;
  uint32_t enumeration_count;
  uint32_t value_count;
  uint64_t kinds;              // where the descriptors begin: bytes from the start of the file, here and below
  uint64_t fields;
  uint64_t enumerations;
  uint64_t values;
  uint64_t strings;
  uint64_t string_bytes;       // the last one is zero
  uint64_t schema_end;         // records begin at or after it
  char version[32];            // of the program; ends in zero, as every text here
  char prefix[64];             // EAL's --file-prefix
  uint8_t reserved[176];

  uint64_t heartbeat;          // nanoseconds of CLOCK_MONOTONIC when the forwarder last said it lives
  uint64_t state;              // 0 starting, 1 running, 2 draining, 3 stopped
  uint64_t stopped_wall;       // nanoseconds since 1970; zero until stopped
  uint64_t live_reserved[5];
};
SEGMENT_SIZE(dpdkfwd_segment_header, 512);
SEGMENT_AT(dpdkfwd_segment_header, magic, 0);
SEGMENT_AT(dpdkfwd_segment_header, major, 8);
SEGMENT_AT(dpdkfwd_segment_header, minor, 10);
SEGMENT_AT(dpdkfwd_segment_header, header_size, 12);
SEGMENT_AT(dpdkfwd_segment_header, total_size, 16);
SEGMENT_AT(dpdkfwd_segment_header, checksum, 24);
SEGMENT_AT(dpdkfwd_segment_header, boot_id, 32);
SEGMENT_AT(dpdkfwd_segment_header, started_wall, 48);
SEGMENT_AT(dpdkfwd_segment_header, started_monotonic, 56);
SEGMENT_AT(dpdkfwd_segment_header, tsc_hz, 64);
SEGMENT_AT(dpdkfwd_segment_header, writer_pid, 72);
SEGMENT_AT(dpdkfwd_segment_header, page_size, 76);
SEGMENT_AT(dpdkfwd_segment_header, backing, 80);
SEGMENT_AT(dpdkfwd_segment_header, backing_page_size, 84);
SEGMENT_AT(dpdkfwd_segment_header, kind_size, 88);
SEGMENT_AT(dpdkfwd_segment_header, field_size, 92);
SEGMENT_AT(dpdkfwd_segment_header, enumeration_size, 96);
SEGMENT_AT(dpdkfwd_segment_header, value_size, 100);
SEGMENT_AT(dpdkfwd_segment_header, kind_count, 104);
SEGMENT_AT(dpdkfwd_segment_header, field_count, 108);
SEGMENT_AT(dpdkfwd_segment_header, enumeration_count, 112);
SEGMENT_AT(dpdkfwd_segment_header, value_count, 116);
SEGMENT_AT(dpdkfwd_segment_header, kinds, 120);
SEGMENT_AT(dpdkfwd_segment_header, fields, 128);
SEGMENT_AT(dpdkfwd_segment_header, enumerations, 136);
SEGMENT_AT(dpdkfwd_segment_header, values, 144);
SEGMENT_AT(dpdkfwd_segment_header, strings, 152);
SEGMENT_AT(dpdkfwd_segment_header, string_bytes, 160);
SEGMENT_AT(dpdkfwd_segment_header, schema_end, 168);
SEGMENT_AT(dpdkfwd_segment_header, version, 176);
SEGMENT_AT(dpdkfwd_segment_header, prefix, 208);
SEGMENT_AT(dpdkfwd_segment_header, reserved, 272);
// The live part has a cache line to itself, so that a heartbeat disturbs nobody.
SEGMENT_AT(dpdkfwd_segment_header, heartbeat, 448);
SEGMENT_AT(dpdkfwd_segment_header, state, 456);
SEGMENT_AT(dpdkfwd_segment_header, stopped_wall, 464);
SEGMENT_AT(dpdkfwd_segment_header, live_reserved, 472);

/// One table of the segment: `shards` times `records` records. Record r of shard s lies at
/// `offset + s * shard_stride + r * record_stride`.
struct dpdkfwd_segment_kind {
  uint32_t name;           // bytes from the start of the strings, here and wherever a text is named
  uint32_t help;
  uint32_t since;          // the program version that brought it
  uint16_t id;             // never given to another kind
  uint16_t guard;          // id of the kind whose `sequence` in the same shard covers these records, or 0
  uint64_t offset;         // bytes from the start of the file, a multiple of 64
  uint64_t shard_stride;   // bytes, a multiple of 64: two writers never share a cache line
  uint32_t shards;         // one per lcore, or 1
  uint32_t records;        // in each shard
  uint32_t record_stride;  // bytes, a multiple of 8
  uint32_t first_field;    // index into the fields
  uint32_t field_count;
  uint32_t reserved[3];
};
SEGMENT_SIZE(dpdkfwd_segment_kind, 64);
SEGMENT_AT(dpdkfwd_segment_kind, name, 0);
SEGMENT_AT(dpdkfwd_segment_kind, help, 4);
SEGMENT_AT(dpdkfwd_segment_kind, since, 8);
SEGMENT_AT(dpdkfwd_segment_kind, id, 12);
SEGMENT_AT(dpdkfwd_segment_kind, guard, 14);
SEGMENT_AT(dpdkfwd_segment_kind, offset, 16);
SEGMENT_AT(dpdkfwd_segment_kind, shard_stride, 24);
SEGMENT_AT(dpdkfwd_segment_kind, shards, 32);
SEGMENT_AT(dpdkfwd_segment_kind, records, 36);
SEGMENT_AT(dpdkfwd_segment_kind, record_stride, 40);
SEGMENT_AT(dpdkfwd_segment_kind, first_field, 44);
SEGMENT_AT(dpdkfwd_segment_kind, field_count, 48);
SEGMENT_AT(dpdkfwd_segment_kind, reserved, 52);

/// One field of a kind's records.
struct dpdkfwd_segment_field {
  uint32_t name;
  uint32_t help;
  uint32_t since;
  uint32_t unit;         // a text: packets, bytes, cycles, nanoseconds, ...; empty when it has none
  uint32_t metric;       // a text: the OpenMetrics family without `dpdkfwd_`, or the label of a key; empty: not exported
  uint32_t offset;       // bytes from the start of the record, a multiple of the element's size
  uint32_t count;        // elements; 1 when it is no array
  uint16_t id;           // within the kind, never given to another field
  uint16_t enumeration;  // id of the enumeration that names its values, or 0
  uint16_t labels;       // id of the enumeration that names its elements (value = index), or 0
  uint8_t type;          // 1 u8, 2 u16, 3 u32, 4 u64, 5 i32, 6 i64, 7 f64, 8 bool, 9 char, 10 mac, 11 ipv4, 12 ipv6
  uint8_t nature;        // 1 counter, 2 gauge, 3 label, 4 key, 5 generation, 6 sequence, 7 removed, 8 entry
  uint32_t reserved[3];
};
SEGMENT_SIZE(dpdkfwd_segment_field, 48);
SEGMENT_AT(dpdkfwd_segment_field, name, 0);
SEGMENT_AT(dpdkfwd_segment_field, help, 4);
SEGMENT_AT(dpdkfwd_segment_field, since, 8);
SEGMENT_AT(dpdkfwd_segment_field, unit, 12);
SEGMENT_AT(dpdkfwd_segment_field, metric, 16);
SEGMENT_AT(dpdkfwd_segment_field, offset, 20);
SEGMENT_AT(dpdkfwd_segment_field, count, 24);
SEGMENT_AT(dpdkfwd_segment_field, id, 28);
SEGMENT_AT(dpdkfwd_segment_field, enumeration, 30);
SEGMENT_AT(dpdkfwd_segment_field, labels, 32);
SEGMENT_AT(dpdkfwd_segment_field, type, 34);
SEGMENT_AT(dpdkfwd_segment_field, nature, 35);
SEGMENT_AT(dpdkfwd_segment_field, reserved, 36);

/// A set of named values.
struct dpdkfwd_segment_enumeration {
  uint32_t name;
  uint16_t id;  // from 1
  uint16_t reserved;
  uint32_t first_value;  // index into the values
  uint32_t value_count;
};
SEGMENT_SIZE(dpdkfwd_segment_enumeration, 16);
SEGMENT_AT(dpdkfwd_segment_enumeration, name, 0);
SEGMENT_AT(dpdkfwd_segment_enumeration, id, 4);
SEGMENT_AT(dpdkfwd_segment_enumeration, reserved, 6);
SEGMENT_AT(dpdkfwd_segment_enumeration, first_value, 8);
SEGMENT_AT(dpdkfwd_segment_enumeration, value_count, 12);

/// One name of an enumeration.
struct dpdkfwd_segment_value {
  uint64_t value;
  uint32_t name;
  uint32_t reserved;
};
SEGMENT_SIZE(dpdkfwd_segment_value, 16);
SEGMENT_AT(dpdkfwd_segment_value, value, 0);
SEGMENT_AT(dpdkfwd_segment_value, name, 8);
SEGMENT_AT(dpdkfwd_segment_value, reserved, 12);

#endif
