// A catalog in the scratch folder, gone before and after.
#ifndef ROADMILL_TESTS_CATALOG_SCRATCH_H
#define ROADMILL_TESTS_CATALOG_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>

#include "roadmill/catalog.h"
#include "roadmill/os.h"

static char scratch_path[400];

static inline void scratch_remove(void)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[420];
        snprintf(path, sizeof path, "%s%s", scratch_path, tails[i]);
        remove(path);
    }
}

// The name keeps test programs apart that share a scratch folder.
static inline rml_catalog *scratch_open(const char *name)
{
    const char *folder = getenv("TMPDIR");
    snprintf(scratch_path, sizeof scratch_path, "%s/roadmill-%s.db", folder ? folder : "/tmp",
             name);
    scratch_remove();
    rml_catalog *c = NULL;
    rml_error err = {0};
    if (rml_catalog_open(rml_str_of(scratch_path), &c, &err) != RML_OK) {
        fprintf(stderr, "%s: %s\n", err.place, err.what);
    }
    return c;
}

static inline void scratch_close(rml_catalog *c)
{
    rml_catalog_close(c);
    scratch_remove();
}

#endif
