/* Of CDPDK: eBPF programs for hooks (rte_bpf). Loading is control path; workers call what cdpdk_bpf_code gives.
 */
#ifndef CDPDK_BPF_H
#define CDPDK_BPF_H

#include <stddef.h>
#include <stdint.h>

struct rte_bpf;

/** Validates and compiles `count` instructions of 8 bytes; their argument points at `argument` bytes to read and write.
 *  NULL and cdpdk_errno(); why is in the log. The validator walks every way through the program: judge it before. */
struct rte_bpf *cdpdk_bpf_load(const void *instructions, uint32_t count, uint32_t argument);

/** No call may be under way. */
void cdpdk_bpf_destroy(struct rte_bpf *program);

/** The machine code of a program, and its bytes; NULL where there is no compiler for this machine. */
uint64_t (*cdpdk_bpf_code(const struct rte_bpf *program, size_t *size))(void *argument);

/** Runs a program without. */
uint64_t cdpdk_bpf_interpret(const void *program, void *argument);

#endif
