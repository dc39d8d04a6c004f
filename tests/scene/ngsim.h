// Reads the NGSIM clips of one site (format 2020a, keep = 1) as docs of the data set say: CLIPS.tsv
// names them. For tests and benches.
#ifndef ROADMILL_TESTS_SCENE_NGSIM_H
#define ROADMILL_TESTS_SCENE_NGSIM_H

#include "roadmill/os.h"
#include "roadmill/scenario.h"

#include <stdio.h>
#include <string.h>

#define NGSIM_MOST 64

// The traffics of a site ("US101", "Lanker", "Peach") into out[NGSIM_MOST]; 0 on any failure.
static inline size_t ngsim_read(const char *data, const char *site, rml_arena *arena,
                                rml_traffic *out, rml_error *err)
{
    char path[1024];
    rml_buffer list = {0};
    size_t count = 0;
    snprintf(path, sizeof path, "%s/scenes/ngsim-commonroad/CLIPS.tsv", data);
    rml_status st = rml_file_read(path, 1 << 20, &list, err);
    rml_str left = rml_buffer_text(&list);
    while (st == RML_OK && left.len > 0 && count < NGSIM_MOST) {
        rml_str line, cell[6];
        left = rml_str_cut(left, '\n', &line);
        for (int i = 0; i < 6; i++) {
            line = rml_str_cut(line, '\t', &cell[i]);
        }
        if (!rml_str_equal(cell[1], RML_STR("2020a")) ||
            !rml_str_equal(cell[2], rml_str_of(site)) || !rml_str_equal(cell[5], RML_STR("1"))) {
            continue;
        }
        rml_buffer document = {0};
        snprintf(path, sizeof path, "%s/scenes/ngsim-commonroad/%.*s", data, RML_FMT(cell[0]));
        st = rml_file_read(path, 64 << 20, &document, err);
        rml_traffic *t = &out[count];
        st = st ? st
                : rml_commonroad_read(rml_buffer_bytes(&document), rml_str_of(path), arena, t, err);
        t->recording_id = rml_arena_str(arena, cell[0]);
        rml_buffer_reset(&document);
        count++;
    }
    rml_buffer_reset(&list);
    return st == RML_OK ? count : 0;
}

#endif
