// Protects the CommonRoad reader: what is kept of a scenario, exactly; what becomes a reject and
// why; which files are refused, with line and reason. Real files are compared with a plain reading
// in Python by tests/interop/test_commonroad.py.
#include "roadmill/os.h"
#include "roadmill/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOT(version, step, inside)                                                                \
    "<?xml version=\"1.0\"?>\n<commonRoad benchmarkID=\"USA_Lanker-1_2_T-1\" "                     \
    "commonRoadVersion=\"" version "\" timeStepSize=\"" step "\">\n" inside "</commonRoad>\n"
#define POINT(x, y) "<point><x>" x "</x><y>" y "</y></point>"
#define STATE(name, x, y, time)                                                                    \
    "<" name "><position>" POINT(x, y) "</position><time><exact>" time "</exact></time></" name ">"
#define CAR(id, inside)                                                                            \
    "<dynamicObstacle id=\"" id "\"><type>car</type><shape><rectangle><length>4.5</length>"        \
    "<width>1.75</width></rectangle></shape>" inside "</dynamicObstacle>"
#define LANELET(id, inside)                                                                        \
    "<lanelet id=\"" id "\"><leftBound>" POINT("0", "2")                                           \
        POINT("10", "2") "</leftBound><rightBound>" POINT("0", "0")                                \
            POINT("10", "-0.5") "</rightBound>" inside "</lanelet>"

static rml_status read_text(const char *text, rml_arena *arena, rml_traffic *out, rml_error *err)
{
    return rml_commonroad_read(rml_bytes_of(text, strlen(text)), RML_STR("a.xml"), arena, out, err);
}

static void keeps_lanes_as_written(void **state)
{
    (void)state;
    static const char text[] = ROOT(
        "2020a", "0.1",
        "<location><gpsLatitude>34.1</gpsLatitude><gpsLongitude>-118.3</gpsLongitude></"
        "location>" LANELET(
            "9", "<predecessor ref=\"3\"/><successor ref=\"4\"/><successor ref=\"5\"/>"
                 "<adjacentLeft ref=\"10\" drivingDir=\"opposite\"/>"
                 "<adjacentRight ref=\"11\" drivingDir=\"same\"/>"
                 "<laneletType>intersection</laneletType><laneletType>urban</laneletType>"
                 "<trafficSignRef ref=\"70\"/><trafficSignRef ref=\"71\"/>")
            LANELET(
                "10",
                "<laneletType>crosswalk</laneletType>") "<trafficSign "
                                                        "id=\"70\"><trafficSignElement><"
                                                        "trafficSignID>274</trafficSignID>"
                                                        "<additionalValue>13.5</additionalValue></"
                                                        "trafficSignElement></trafficSign>"
                                                        "<trafficSign "
                                                        "id=\"71\"><trafficSignElement><"
                                                        "trafficSignID>R2-1</trafficSignID>"
                                                        "<additionalValue>25mph</additionalValue></"
                                                        "trafficSignElement></trafficSign>"
                                                        "<intersection id=\"80\"><incoming "
                                                        "id=\"81\"/></intersection>");
    rml_arena arena = {0};
    rml_traffic t;
    rml_error err = {0};
    assert_int_equal(read_text(text, &arena, &t, &err), RML_OK);
    assert_true(rml_str_equal(t.place_id, RML_STR("USA_Lanker")));
    assert_true(t.origin.latitude_deg == 34.1 && t.origin.longitude_deg == -118.3);
    assert_int_equal(t.step_ns, 100000000);
    assert_int_equal(t.map_count, 2);
    const rml_map_element *crossing = &t.map[0], *lane = &t.map[1]; // "10" sorts before "9"
    assert_int_equal(crossing->kind, RML_MAP_CROSSWALK);
    assert_true(isnan(crossing->speed_limit_mps));
    assert_true(rml_str_equal(lane->id, RML_STR("9")) && lane->kind == RML_MAP_LANE);
    assert_true(rml_str_equal(lane->type, RML_STR("intersection,urban")));
    assert_true(rml_str_equal(lane->left_id, RML_STR("10")) && !lane->left_same);
    assert_true(rml_str_equal(lane->right_id, RML_STR("11")) && lane->right_same);
    assert_int_equal(lane->previous_count, 1);
    assert_int_equal(lane->next_count, 2);
    assert_true(rml_str_equal(lane->next[1], RML_STR("5")));
    assert_true(lane->speed_limit_mps == 13.5);
    assert_true(lane->left.count == 2 && lane->left.points[1].x_m == 10 && !lane->left.z_m);
    assert_true(lane->centre.count == 2 && lane->centre.points[1].y_m == 0.75);
    assert_int_equal(t.ignored_count, 1);
    assert_true(rml_str_equal(t.ignored[0].name, RML_STR("intersection")));
    rml_arena_reset(&arena);
}

static void keeps_states_as_written(void **state)
{
    (void)state;
    static const char text[] = ROOT(
        "2020a", "0.25",
        CAR("7", "<initialState><position><point><x>1.1</x><y>-2e-3</y><z>4</z></point></position>"
                 "<orientation><exact>0.5</exact></orientation><time><exact>0</exact></time>"
                 "<velocity><exact>13.3</exact></velocity></initialState><trajectory>" STATE(
                     "state", "2", "0", "1")
                     STATE("state", "3", "0",
                           "4") "</trajectory>") "<staticObstacle "
                                                 "id=\"5\"><type>parkedVehicle</"
                                                 "type><shape><circle><radius>0.4</radius>"
                                                 "</circle></shape>" STATE(
                                                     "initialState", "8", "9",
                                                     "0") "</staticObstacle>"
                                                          "<planningProblem id=\"1\">" STATE(
                                                              "initialState", "1", "1",
                                                              "0") "</planningProblem>");
    rml_arena arena = {0};
    rml_traffic t;
    rml_error err = {0};
    assert_int_equal(read_text(text, &arena, &t, &err), RML_OK);
    assert_int_equal(t.track_count, 2);
    assert_int_equal(t.states_in, 4);
    assert_int_equal(t.reject_count, 0);
    const rml_track *fixed = &t.tracks[0], *car = &t.tracks[1];
    assert_int_equal(fixed->agent_class, RML_AGENT_STATIC);
    assert_true(rml_str_equal(fixed->source_class, RML_STR("parkedVehicle")));
    assert_true(fixed->length_m == 0.8 && fixed->width_m == 0.8 && fixed->count == 1);
    assert_int_equal(car->agent_class, RML_AGENT_CAR);
    assert_int_equal(car->causality, RML_CAUSALITY_OFFLINE);
    assert_true(car->length_m == 4.5 && car->width_m == 1.75 && car->count == 3);
    assert_true(car->states[0].x_m == 1.1 && car->states[0].y_m == -2e-3 &&
                car->states[0].z_m == 4);
    assert_true(car->states[0].recorded_yaw_rad == 0.5 &&
                car->states[0].recorded_speed_mps == 13.3);
    assert_true(isnan(car->states[1].z_m) && isnan(car->states[1].recorded_speed_mps));
    assert_int_equal(car->states[2].t_ns, 1000000000);
    rml_arena_reset(&arena);
}

static void rejects_have_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *name, *inside, *reason;
        uint64_t states_in, rejects;
    } cases[] = {
        {"time stated twice",
         CAR("1", STATE("initialState", "1", "1", "0") "<trajectory>" STATE("state", "1", "1", "0")
                      STATE("state", "2", "2", "1") "</trajectory>"),
         "its time does not come after that of the state before", 3, 1},
        {"position is a region",
         CAR("1", "<initialState><position><rectangle><length>1</length></rectangle></position>"
                  "<time><exact>0</exact></time></initialState>"),
         "its position is a region or missing, not a point", 1, 1},
        {"time is an interval",
         CAR("1",
             "<initialState><position>" POINT(
                 "1", "2") "</position><time><intervalStart>0"
                           "</intervalStart><intervalEnd>2</intervalEnd></time></initialState>"),
         "its time is an interval or missing, not exact", 1, 1},
        {"velocity is an interval",
         CAR("1",
             "<initialState><position>" POINT("1", "2") "</position><time><exact>0</exact>"
                                                        "</time><velocity><intervalStart>1</"
                                                        "intervalStart></velocity></initialState>"),
         "its velocity is an interval, not exact", 1, 1},
        {"occupancies",
         CAR("1", STATE("initialState", "1", "1",
                        "0") "<occupancySet><occupancy><time><exact>1"
                             "</exact></time></occupancy><occupancy/></occupancySet>"),
         "an occupancy is a region, not a state", 3, 2},
        {"shape beside its position",
         "<staticObstacle id=\"1\"><shape><rectangle><length>4</length><center><x>1</x><y>0</y>"
         "</center></rectangle></shape>" STATE("initialState", "1", "1", "0") "</staticObstacle>",
         "its position is not the centre of its shape", 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[4096];
        snprintf(text, sizeof text, ROOT("2020a", "0.1", "%s"), cases[i].inside);
        rml_arena arena = {0};
        rml_traffic t;
        rml_error err = {0};
        print_message("%s\n", cases[i].name);
        assert_int_equal(read_text(text, &arena, &t, &err), RML_OK);
        uint64_t rows = 0;
        for (size_t k = 0; k < t.track_count; k++) {
            rows += t.tracks[k].count;
        }
        assert_int_equal(t.states_in, cases[i].states_in);
        assert_int_equal(t.reject_count, cases[i].rejects);
        assert_int_equal(t.states_in, rows + t.reject_count);
        assert_true(rml_str_equal(t.rejects[0].reason, rml_str_of(cases[i].reason)));
        assert_true(rml_str_equal(t.rejects[0].track_id, RML_STR("1")));
        rml_arena_reset(&arena);
    }
}

static void refusals_name_line_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *error;
        rml_status status;
    } cases[] = {
        {"older version", ROOT("2018b", "0.1", ""),
         "a.xml:2:1: expected commonRoadVersion \"2020a\", found \"2018b\"; commonroad-io reads "
         "older "
         "versions and its CommonRoadFileWriter writes 2020a",
         RML_ERR_UNSUPPORTED},
        {"other document", "<svg/>", "a.xml:1:1: expected <commonRoad>, found <svg>", RML_ERR_DATA},
        {"no step", ROOT("2020a", "", ""),
         "a.xml:2:1: expected a finite number in <commonRoad timeStepSize>, found \"\"",
         RML_ERR_DATA},
        {"no step attribute", "<commonRoad benchmarkID=\"a\" commonRoadVersion=\"2020a\"/>",
         "a.xml:1:1: expected a finite number in <commonRoad timeStepSize>, found \"\"",
         RML_ERR_DATA},
        {"step of nothing", ROOT("2020a", "0", ""),
         "a.xml:2:1: expected a timeStepSize between 1e-9 and 1000 s, found \"0\"", RML_ERR_DATA},
        {"no number", ROOT("2020a", "0.1", CAR("1", STATE("initialState", "1,5", "1", "0"))),
         "expected a finite number in <x>, found \"1,5\"", RML_ERR_DATA},
        {"infinite", ROOT("2020a", "0.1", CAR("1", STATE("initialState", "inf", "1", "0"))),
         "expected a finite number in <x>, found \"inf\"", RML_ERR_DATA},
        {"half a step", ROOT("2020a", "0.1", CAR("1", STATE("initialState", "1", "1", "0.5"))),
         "expected a time step between 0 and 2147483647, found \"0.5\"", RML_ERR_DATA},
        {"bounds differ",
         ROOT("2020a", "0.1",
              "<lanelet id=\"4\"><leftBound>" POINT("0", "0") "</leftBound></lanelet>"),
         "expected two bounds of the same number of points, at least 2, for lanelet 4, found 1 and "
         "0",
         RML_ERR_DATA},
        {"lanelet twice", ROOT("2020a", "0.1", LANELET("4", "") "\n" LANELET("4", "")),
         "expected each map element once, found \"4\" a second time", RML_ERR_DATA},
        {"obstacle twice", ROOT("2020a", "0.1", CAR("4", "") CAR("4", "")),
         "expected each track once, found \"4\" a second time", RML_ERR_DATA},
        {"no id", ROOT("2020a", "0.1", "<lanelet/>"),
         "expected <lanelet> with id=\"...\", found none", RML_ERR_DATA},
        {"no y",
         ROOT("2020a", "0.1",
              "<lanelet id=\"1\"><leftBound><point><x>1</x></point></leftBound></lanelet>"),
         "expected a point with <x> and <y>, found no <y>", RML_ERR_DATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rml_arena arena = {0};
        rml_traffic t;
        rml_error err = {0};
        char text[1024];
        print_message("%s\n", cases[i].name);
        assert_int_equal(read_text(cases[i].text, &arena, &t, &err), cases[i].status);
        rml_error_text(&err, text, sizeof text);
        if (!strstr(text, cases[i].error)) {
            fail_msg("expected %s, found %s", cases[i].error, text);
        }
        rml_arena_reset(&arena);
    }
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    static const char text[] =
        ROOT("2020a", "0.1",
             LANELET("4", "<successor ref=\"5\"/>") CAR("1", STATE("initialState", "1", "1", "0")));
    for (uint64_t after = 0;; after++) {
        rml_arena arena = {0};
        rml_traffic t;
        rml_error err = {0};
        rml_heap_fail_after(after);
        rml_status st = read_text(text, &arena, &t, &err);
        rml_heap_fail_after(UINT64_MAX);
        rml_arena_reset(&arena);
        if (st == RML_OK) {
            break;
        }
        assert_int_equal(st, RML_ERR_MEMORY);
    }
}

// The counts of shared/data/scenes/README.md: vehicles with at least two states, and their states.
static void ngsim_counts(void **state)
{
    (void)state;
    static const struct {
        const char *site;
        size_t files, with_trajectories, vehicles, steps;
    } want[] = {
        {"US101", 72, 65, 2279, 147428},
        {"Lankershim", 44, 43, 2111, 131409},
        {"Peachtree", 14, 14, 153, 9125},
    };
    const char *data = getenv("RML_DATA");
    if (!data) {
        print_message("skipped: no data\n");
        skip();
    }
    for (size_t i = 0; i < 3; i++) {
        char folder[1024];
        snprintf(folder, sizeof folder, "%s/scenes/ngsim-commonroad/2020a/%s", data, want[i].site);
        rml_arena names_arena = {0};
        rml_array names = RML_ARRAY(rml_str);
        rml_error err = {0};
        assert_int_equal(rml_folder_walk(folder, &names_arena, &names, &err), RML_OK);
        assert_int_equal(names.count, want[i].files);
        size_t with_trajectories = 0, vehicles = 0, steps = 0;
        for (size_t k = 0; k < names.count; k++) {
            rml_arena arena = {0};
            rml_traffic t;
            rml_map_file m = {0};
            rml_str name = *RML_AT(&names, rml_str, k);
            assert_int_equal(rml_map_file_open(&m, name.data, &err), RML_OK);
            assert_int_equal(rml_commonroad_read(m.bytes, name, &arena, &t, &err), RML_OK);
            size_t before = vehicles;
            for (size_t n = 0; n < t.track_count; n++) {
                vehicles += t.tracks[n].count > 1;
                steps += t.tracks[n].count > 1 ? t.tracks[n].count : 0;
            }
            with_trajectories += vehicles > before;
            rml_map_file_close(&m);
            rml_arena_reset(&arena);
        }
        assert_int_equal(with_trajectories, want[i].with_trajectories);
        assert_int_equal(vehicles, want[i].vehicles);
        assert_int_equal(steps, want[i].steps);
        rml_array_reset(&names);
        rml_arena_reset(&names_arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_lanes_as_written), cmocka_unit_test(keeps_states_as_written),
        cmocka_unit_test(rejects_have_reasons),   cmocka_unit_test(refusals_name_line_and_reason),
        cmocka_unit_test(no_memory_is_an_error),  cmocka_unit_test(ngsim_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
