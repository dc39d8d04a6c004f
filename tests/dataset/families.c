// Protects: clips and families of the NGSIM scenarios exactly as CLIPS.tsv has them (made by an
// independent reading in Python, see SOURCE.txt of the archive); empty and short recordings.
#include "roadmill/dataset.h"
#include "roadmill/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/os.h"

#define FILES_MAX 256

typedef struct row {
    rml_str file, clip, family;
    bool keep, has_tracks;
} row;

static size_t read_clips(rml_arena *arena, const char *folder, rml_buffer *text, row *rows)
{
    rml_str path = rml_arena_printf(arena, "%s/CLIPS.tsv", folder), line, rest;
    assert_int_equal(rml_file_read(path.data, 1 << 20, text, NULL), RML_OK);
    rest = rml_str_cut(rml_buffer_text(text), '\n', &line);
    size_t count = 0;
    while (rest.len > 0) {
        rest = rml_str_cut(rest, '\n', &line);
        rml_str cells[8] = {{0}}, left = rml_str_trim(line);
        for (int i = 0; i < 8; i++) {
            left = rml_str_cut(left, '\t', &cells[i]);
        }
        if (rml_str_equal(cells[1], RML_STR("2020a"))) {
            rows[count++] =
                (row){cells[0], cells[3], cells[4], rml_str_equal(cells[5], RML_STR("1")),
                      !rml_str_equal(cells[6], RML_STR("0"))};
        }
    }
    return count;
}

static void test_ngsim(void **state)
{
    (void)state;
    const char *data = rml_env("RML_DATA");
    if (data == NULL) {
        print_message("skipped: no data\n");
        skip();
    }
    static row rows[FILES_MAX];
    static rml_traffic traffics[FILES_MAX];
    static rml_family found[FILES_MAX];
    rml_arena arena = {0};
    rml_buffer text = {0};
    rml_str folder = rml_arena_printf(&arena, "%s/scenes/ngsim-commonroad", data);
    size_t count = read_clips(&arena, folder.data, &text, rows), kept = 0, clips = 0, families = 0;
    assert_int_equal(count, 130);
    for (size_t i = 0; i < count; i++) {
        rml_map_file map = {0};
        rml_str path = rml_path_join(&arena, folder, rows[i].file);
        assert_int_equal(rml_map_file_open(&map, path.data, NULL), RML_OK);
        assert_int_equal(rml_commonroad_read(map.bytes, path, &arena, &traffics[i], NULL), RML_OK);
        rml_map_file_close(&map);
        traffics[i].recording_id = rows[i].file; // in the order of names, as CLIPS.tsv settles ties
    }
    assert_int_equal(rml_families_find(traffics, count, &arena, found, NULL), RML_OK);
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].has_tracks) {
            continue; // the table puts all files without trajectories into one
        }
        kept += found[i].keep;
        clips = found[i].clip + 1 > clips ? found[i].clip + 1 : clips;
        families = found[i].family + 1 > families ? found[i].family + 1 : families;
        assert_int_equal(found[i].keep, rows[i].keep);
        for (size_t k = 0; k < i; k++) {
            if (rows[k].has_tracks) {
                assert_int_equal(found[i].clip == found[k].clip,
                                 rml_str_equal(rows[i].clip, rows[k].clip));
                assert_int_equal(found[i].family == found[k].family,
                                 rml_str_equal(rows[i].family, rows[k].family));
            }
        }
    }
    assert_int_equal(kept, 28 + 28 + 8);
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
}

#define TRACK 40

typedef struct made {
    rml_track_state states[TRACK];
    rml_track track;
    rml_traffic traffic;
} made;

// A car whose speed is that of `second` seconds into one long drive; no recorded speeds.
static void make(made *m, const char *id, size_t steps, double second)
{
    double x = 0;
    for (size_t i = 0; i < steps; i++) {
        double t = second + 0.1 * (double)i;
        x += 0.1 * (10 + 3 * sin(0.7 * t) + sin(2.3 * t));
        m->states[i] = (rml_track_state){.t_ns = (int64_t)i * 100000000,
                                         .x_m = x,
                                         .recorded_yaw_rad = NAN,
                                         .recorded_speed_mps = NAN};
    }
    m->track = (rml_track){.track_id = RML_STR("1"), .states = m->states, .count = steps};
    m->traffic = (rml_traffic){.recording_id = rml_str_of(id),
                               .step_ns = 100000000,
                               .tracks = &m->track,
                               .track_count = 1};
}

static void test_made(void **state)
{
    (void)state;
    static made m[6];
    rml_traffic traffics[6];
    rml_family found[6];
    rml_arena arena = {0};
    make(&m[0], "a", 40, 0);
    make(&m[1], "b", 40, 0.1); // 24 of 25 runs are those of a
    make(&m[2], "c", 40, 2.4); // one or two are
    make(&m[3], "d", 40, 50);  // none
    make(&m[4], "e", 10, 3);   // too short for a run
    make(&m[5], "f", 10, 3);   // the same short drive again
    for (int i = 0; i < 6; i++) {
        traffics[i] = m[i].traffic;
    }
    assert_int_equal(rml_families_find(traffics, 6, &arena, found, NULL), RML_OK);
    assert_int_equal(found[0].clip, found[1].clip);
    assert_true(found[0].clip != found[2].clip && found[0].family == found[2].family);
    assert_true(found[3].family != found[0].family && found[3].family != found[4].family);
    assert_int_equal(found[4].clip, found[5].clip);
    assert_true(found[0].keep && !found[1].keep && found[4].keep && !found[5].keep);
    assert_int_equal(found[5].family, 2);
    assert_int_equal(rml_families_find(NULL, 0, &arena, NULL, NULL), RML_OK);
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ngsim),
        cmocka_unit_test(test_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
