#define _GNU_SOURCE  // for MADV_HUGEPAGE
#include "CTables.h"

#include <sys/mman.h>

void ctables_prefer_huge_pages(void *memory, size_t bytes) { (void)madvise(memory, bytes, MADV_HUGEPAGE); }
