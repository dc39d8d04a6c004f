// Protects the way into the lake and back: what is loaded is what was read, bit for bit; a file is
// known by its bytes; a refused file leaves nothing; nothing is lost on the way.
#include "roadmill/lake/sql.h"
#include "roadmill/os.h"
#include "roadmill/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char document[] =
    "<commonRoad benchmarkID=\"ZAM_Test-1_1_T-1\" commonRoadVersion=\"2020a\" timeStepSize=\"0.1\" "
    "source=\"by hand\"><location><gpsLatitude>48.25</gpsLatitude><gpsLongitude>11.5</gpsLongitude>"
    "</location><lanelet "
    "id=\"3\"><leftBound><point><x>0</x><y>2</y><z>1.5</z></point><point><x>9</x>"
    "<y>2</y></point></leftBound><rightBound><point><x>0</x><y>0</y></point><point><x>9</x><y>0</y>"
    "</point></rightBound><successor ref=\"7\"/><adjacentLeft ref=\"4\" drivingDir=\"opposite\"/>"
    "<laneletType>urban</laneletType></lanelet><dynamicObstacle id=\"5\"><type>taxi</type><shape>"
    "<rectangle><length>4.1</length><width>1.7</width></rectangle></shape><initialState><position>"
    "<point><x>1.1</x><y>1</y></point></position><orientation><exact>0.3</exact></"
    "orientation><time>"
    "<exact>0</exact></time><velocity><exact>3</exact></velocity></initialState><trajectory><state>"
    "<position><point><x>2</x><y>1</y></point></position><time><exact>1</exact></time></"
    "state><state>"
    "<position><point><x>2</x><y>1</y></point></position><time><exact>1</exact></time></state>"
    "</trajectory></dynamicObstacle><planningProblem id=\"9\"/></commonRoad>";

static char folder[1024];

static rml_lake *lake_make(const char *name)
{
    char path[1200];
    rml_lake *lake = NULL;
    rml_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(rml_lake_open(rml_str_of(path), &lake, &err), RML_OK);
    return lake;
}

static void must(rml_status st, const rml_error *err)
{
    if (st) {
        char text[1024];
        rml_error_text(err, text, sizeof text);
        fail_msg("%s", text);
    }
}

static const char *file_make(const char *name, const char *text)
{
    static char path[1200];
    rml_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(rml_file_replace(path, rml_bytes_of(text, strlen(text)), &err), &err);
    return path;
}

// Equal bits; what is missing on both sides is equal too.
static void same_number(double a, double b)
{
    assert_true(a == b || (a != a && b != b));
}

static void same_str(rml_str a, rml_str b)
{
    if (!rml_str_equal(a, b)) {
        fail_msg("expected \"%.*s\", found \"%.*s\"", RML_FMT(b), RML_FMT(a));
    }
}

static void same_line(const rml_polyline *a, const rml_polyline *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_true(a->points[i].x_m == b->points[i].x_m && a->points[i].y_m == b->points[i].y_m);
        assert_int_equal(a->z_m != NULL, b->z_m != NULL);
        if (a->z_m) {
            same_number(a->z_m[i], b->z_m[i]);
        }
    }
}

static void same_ids(const rml_str *a, size_t a_count, const rml_str *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        same_str(a[i], b[i]);
    }
}

static void same_element(const rml_map_element *a, const rml_map_element *b)
{
    same_str(a->id, b->id);
    same_str(a->type, b->type);
    same_str(a->left_id, b->left_id);
    same_str(a->right_id, b->right_id);
    assert_true(a->kind == b->kind);
    assert_true(a->left_same == b->left_same && a->right_same == b->right_same);
    same_line(&a->left, &b->left);
    same_line(&a->right, &b->right);
    same_line(&a->centre, &b->centre);
    same_ids(a->next, a->next_count, b->next, b->next_count);
    same_ids(a->previous, a->previous_count, b->previous, b->previous_count);
    same_number(a->speed_limit_mps, b->speed_limit_mps);
}

static void same_track(const rml_track *a, const rml_track *b)
{
    same_str(a->track_id, b->track_id);
    same_str(a->source_class, b->source_class);
    assert_true(a->agent_class == b->agent_class && a->causality == b->causality);
    assert_true(a->is_ego == b->is_ego && a->count == b->count);
    same_number(a->length_m, b->length_m);
    same_number(a->width_m, b->width_m);
    for (size_t i = 0; i < a->count; i++) {
        const rml_track_state *s = &a->states[i], *t = &b->states[i];
        assert_true(s->t_ns == t->t_ns && s->mark == t->mark);
        same_number(s->x_m, t->x_m);
        same_number(s->y_m, t->y_m);
        same_number(s->z_m, t->z_m);
        same_number(s->recorded_yaw_rad, t->recorded_yaw_rad);
        same_number(s->recorded_speed_mps, t->recorded_speed_mps);
    }
}

static void same_traffic(const rml_traffic *loaded, const rml_traffic *read)
{
    same_str(loaded->source, read->source);
    same_str(loaded->place_id, read->place_id);
    assert_int_equal(loaded->step_ns, read->step_ns);
    assert_int_equal(loaded->track_count, read->track_count);
    assert_int_equal(loaded->map_count, read->map_count);
    same_number(loaded->origin.latitude_deg, read->origin.latitude_deg);
    same_number(loaded->origin.longitude_deg, read->origin.longitude_deg);
    same_str(loaded->origin.datum, read->origin.datum);
    for (size_t i = 0; i < read->track_count; i++) {
        same_track(&loaded->tracks[i], &read->tracks[i]);
    }
    for (size_t i = 0; i < read->map_count; i++) {
        same_element(&loaded->map[i], &read->map[i]);
    }
}

static void read_file(const char *path, rml_arena *arena, rml_traffic *out)
{
    size_t count;
    rml_error err = {0};
    rml_str name = rml_str_of(path);
    const rml_importer *importers = rml_importers(&count);
    rml_importer which = importers[rml_str_ends(name, RML_STR(".parquet")) ? 1 : 0];
    must(which.read(name, arena, out, &err), &err);
}

static void what_is_loaded_is_what_was_read(void **state)
{
    (void)state;
    rml_lake *lake = lake_make("one");
    const char *path = file_make("one.xml", document);
    rml_import_options options = {.licence = RML_STR("CC0-1.0")};
    rml_import_result result, again;
    rml_error err = {0};
    rml_arena arena = {0};
    rml_traffic read, loaded;
    must(rml_import_scenario(lake, rml_str_of(path), &options, &result, &err), &err);
    assert_false(result.already);
    assert_true(result.states_in == 3 && result.rows == 2 && result.rejects == 1);
    assert_true(result.tracks == 1 && result.map_rows == 1);
    must(rml_traffic_load(lake, rml_str_of(result.recording_id), &arena, &loaded, &err), &err);
    read_file(path, &arena, &read);
    same_traffic(&loaded, &read);
    same_str(loaded.licence, RML_STR("CC0-1.0"));
    same_str(loaded.drive_id, rml_str_of(result.drive_id));
    assert_true(rml_str_ends(loaded.uri, RML_STR("/one.xml")));

    const char *copy = file_make("copy.xml", document);
    must(rml_import_scenario(lake, rml_str_of(copy), NULL, &again, &err), &err);
    assert_true(again.already && again.states_in == 0);
    assert_string_equal(again.recording_id, result.recording_id);
    assert_string_equal(again.drive_id, result.drive_id);
    rml_arena_reset(&arena);
    rml_lake_close(lake);
}

static void a_refused_file_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *error;
    } cases[] = {
        {"old.xml", "<commonRoad commonRoadVersion=\"2018b\" benchmarkID=\"a\"/>",
         "expected commonRoadVersion \"2020a\", found \"2018b\""},
        {"cut.xml", "<commonRoad commonRoadVersion=\"2020a\" benchmarkID=\"a\" timeStepSize=\"1\">",
         ""},
        {"else.txt", "hello", "expected a CommonRoad file (XML) or an Argoverse 2 scenario"},
        {"empty.xml", "", "expected a CommonRoad file (XML) or an Argoverse 2 scenario"},
    };
    rml_lake *lake = lake_make("none");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rml_import_result result;
        rml_error err = {0};
        char text[1024];
        const char *path = file_make(cases[i].name, cases[i].text);
        assert_int_not_equal(rml_import_scenario(lake, rml_str_of(path), NULL, &result, &err),
                             RML_OK);
        rml_error_text(&err, text, sizeof text);
        assert_non_null(strstr(text, cases[i].name));
        assert_non_null(strstr(text, cases[i].error));
    }
    rml_arena arena = {0};
    rml_array tables = RML_ARRAY(rml_lake_table), ids = RML_ARRAY(rml_str);
    rml_error err = {0};
    must(rml_lake_tables(lake, &arena, &tables, &err), &err);
    assert_int_equal(tables.count, 0);
    must(rml_traffic_list(lake, &arena, &ids, &err), &err);
    assert_int_equal(ids.count, 0);
    rml_traffic t;
    assert_int_equal(rml_traffic_load(lake, RML_STR("00"), &arena, &t, &err), RML_ERR_MISSING);
    rml_array_reset(&tables);
    rml_arena_reset(&arena);
    rml_lake_close(lake);
}

// Several real files, of both formats, loaded at once and in another order than they were imported.
static void real_files_come_back(void **state)
{
    (void)state;
    static const char *const files[] = {
        "ngsim-commonroad/2020a/US101/USA_US101-10_1_T-1.xml",
        "ngsim-commonroad/2020a/Lankershim/USA_Lanker-1_1_T-1.xml",
        "commonroad-world/2020a/RUS_Bicycle-1_1_T-1.xml",
        "argoverse2/forecasting/0a1e6f0a-1817-4a98-b02e-db8c9327d151/"
        "scenario_0a1e6f0a-1817-4a98-b02e-db8c9327d151.parquet",
        "argoverse2/forecasting/00a0ec58-1fb9-4a2b-bfd7-f4e5da7a9eff/"
        "scenario_00a0ec58-1fb9-4a2b-bfd7-f4e5da7a9eff.parquet",
    };
    enum { FILES = sizeof files / sizeof files[0] };
    const char *data = getenv("RML_DATA");
    if (!data) {
        print_message("skipped: no data\n");
        skip();
    }
    rml_lake *lake = lake_make("real");
    rml_arena arena = {0};
    rml_error err = {0};
    rml_import_result results[FILES];
    rml_str ids[FILES];
    rml_traffic read[FILES], loaded[FILES];
    for (size_t i = 0; i < FILES; i++) {
        char path[2048];
        snprintf(path, sizeof path, "%s/scenes/%s", data, files[i]);
        must(rml_import_scenario(lake, rml_str_of(path), NULL, &results[i], &err), &err);
        assert_int_equal(results[i].states_in, results[i].rows + results[i].rejects);
        assert_true(results[i].rows > 100 && results[i].map_rows > 2);
        ids[FILES - 1 - i] = rml_str_of(results[i].recording_id);
        read_file(path, &arena, &read[FILES - 1 - i]);
    }
    must(rml_traffic_load_many(lake, ids, FILES, &arena, loaded, &err), &err);
    for (size_t i = 0; i < FILES; i++) {
        same_str(loaded[i].recording_id, ids[i]);
        same_traffic(&loaded[i], &read[i]);
    }
    rml_array list = RML_ARRAY(rml_str);
    must(rml_traffic_list(lake, &arena, &list, &err), &err);
    assert_int_equal(list.count, FILES);
    for (size_t i = 1; i < FILES; i++) {
        assert_true(rml_str_compare(*RML_AT(&list, rml_str, i - 1), *RML_AT(&list, rml_str, i)) <
                    0);
    }
    const rml_str twice[2] = {ids[2], ids[2]};
    must(rml_traffic_load_many(lake, twice, 2, &arena, loaded, &err), &err);
    same_traffic(&loaded[0], &read[2]);
    same_traffic(&loaded[1], &read[2]);
    rml_array_reset(&list);
    rml_arena_reset(&arena);
    rml_lake_close(lake);
}

int main(void)
{
    rml_error err = {0};
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/drive_import.%lld", tmp ? tmp : "/tmp",
             (long long)rml_clock_unix_ns());
    if (rml_folder_make(folder, &err)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_is_what_was_read),
        cmocka_unit_test(a_refused_file_leaves_nothing),
        cmocka_unit_test(real_files_come_back),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rml_folder_remove(folder, &err) ? 1 : failed;
}
