// A lake of poses written by hand, for tests of what recipes make of them.
#ifndef ROADMILL_TESTS_RECIPE_POSES_H
#define ROADMILL_TESTS_RECIPE_POSES_H

#include "roadmill/lake/recordings.h"
#include "roadmill/os.h"
#include "roadmill/recipe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000LL

static const char ID[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static char folder[1024]; // of the program, made by its main

static const rml_field value_fields[] = {RML_FIELD("x", RML_TYPE_F64, RML_NULLABLE),
                                         RML_FIELD("y", RML_TYPE_F64, RML_NULLABLE)};
static const rml_field pose_fields[] = {
    RML_FIELD("recording_id", RML_TYPE_STRING, RML_REQUIRED),
    RML_FIELD("channel", RML_TYPE_STRING, RML_REQUIRED),
    RML_FIELD("sequence", RML_TYPE_I64, RML_NULLABLE),
    RML_FIELD("sensor_ns", RML_TYPE_I64, RML_NULLABLE),
    RML_FIELD("publish_ns", RML_TYPE_I64, RML_NULLABLE),
    RML_FIELD("log_ns", RML_TYPE_I64, RML_REQUIRED),
    RML_FIELD("frame", RML_TYPE_STRING, RML_NULLABLE),
    RML_FIELD("quality", RML_TYPE_I32, RML_NULLABLE),
    RML_FIELD("position", RML_TYPE_STRUCT, RML_NULLABLE, .children = value_fields,
              .child_count = 2),
};
static const rml_schema pose_schema = {pose_fields, 9};

static inline void must(rml_status st, const rml_error *err)
{
    if (st) {
        char text[1024];
        rml_error_text(err, text, sizeof text);
        fail_msg("%s", text);
    }
}

// A message: sensor_ms < 0 is a message without a time of its own.
typedef struct message {
    const char *topic;
    int64_t log_ms, sensor_ms;
    double x, y;
    int quality;
} message;

static inline void message_append(rml_batch *b, const message *m, int64_t sequence)
{
    rml_error err = {0};
    rml_column *c = b->columns;
    must(rml_column_str(&c[0], rml_str_of(ID), &err), &err);
    must(rml_column_str(&c[1], rml_str_of(m->topic), &err), &err);
    must(rml_column_i64(&c[2], sequence, &err), &err);
    must(m->sensor_ms < 0 ? rml_column_null(&c[3], &err)
                          : rml_column_i64(&c[3], m->sensor_ms * MS, &err),
         &err);
    must(rml_column_i64(&c[4], m->log_ms * MS, &err), &err);
    must(rml_column_i64(&c[5], m->log_ms * MS, &err), &err);
    must(rml_column_str(&c[6], RML_STR("map"), &err), &err);
    must(rml_column_i64(&c[7], m->quality, &err), &err);
    must(isnan(m->x) ? rml_column_null(&c[8].children[0], &err)
                     : rml_column_f64(&c[8].children[0], m->x, &err),
         &err);
    must(rml_column_f64(&c[8].children[1], m->y, &err), &err);
    must(rml_column_struct_end(&c[8], &err), &err);
    must(rml_batch_row_end(b, &err), &err);
}

static inline rml_lake *lake_make(const char *name, const message *poses, size_t pose_count,
                                  const message *turns, size_t turn_count)
{
    char path[1200];
    rml_error err = {0};
    rml_lake *lake = NULL;
    rml_lake_txn *txn = NULL;
    rml_batch batch = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(rml_lake_open(rml_str_of(path), &lake, &err), &err);
    must(rml_lake_begin(lake, rml_str_of(ID), &txn, &err), &err);
    must(rml_batch_init(&batch, pose_schema, &err), &err);
    for (size_t i = 0; i < pose_count; i++) {
        message_append(&batch, &poses[i], (int64_t)i);
    }
    must(rml_lake_append(txn, "signals_test_msg_pose", &batch, &err), &err);
    rml_batch_clear(&batch);
    for (size_t i = 0; i < turn_count; i++) {
        message_append(&batch, &turns[i], (int64_t)i);
    }
    if (turn_count > 0) {
        must(rml_lake_append(txn, "signals_test_msg_turn", &batch, &err), &err);
    }
    rml_batch_reset(&batch);
    must(rml_batch_init(&batch, rml_recordings_schema(), &err), &err);
    const rml_recording_row row = {.recording_id = rml_str_of(ID),
                                   .drive_id = RML_STR("d1"),
                                   .uri = RML_STR("by hand"),
                                   .format = RML_STR("mcap"),
                                   .completeness = RML_STR("whole")};
    must(rml_row_append(&batch, &row, &err), &err);
    must(rml_lake_commit(txn, "recordings", &batch, &err), &err);
    rml_lake_txn_close(txn);
    rml_batch_reset(&batch);
    return lake;
}

static inline rml_status make(rml_lake *lake, const char *text, rml_ego_result *out, rml_error *err)
{
    rml_recipe *recipe = NULL;
    must(rml_recipe_parse(rml_str_of(text), RML_STR("r.yaml"), &recipe, err), err);
    rml_status st = rml_ego_make(lake, rml_str_of(ID), recipe, out, err);
    rml_recipe_free(recipe);
    return st;
}

// Runs a group of tests with a folder of its own.
#define RUN_WITH_FOLDER(name, tests)                                                               \
    do {                                                                                           \
        rml_error failure = {0};                                                                   \
        const char *tmp = getenv("TMPDIR");                                                        \
        snprintf(folder, sizeof folder, "%s/" name ".%lld", tmp ? tmp : "/tmp",                    \
                 (long long)rml_clock_unix_ns());                                                  \
        if (rml_folder_make(folder, &failure)) {                                                   \
            return 1;                                                                              \
        }                                                                                          \
        int failed = cmocka_run_group_tests(tests, NULL, NULL);                                    \
        return rml_folder_remove(folder, &failure) ? 1 : failed;                                   \
    } while (0)

#endif
