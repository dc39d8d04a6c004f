// A small traffic from text, for tests of the language. Steps are 100 ms; a size of -1 is unknown.
// One line each:
//
//     agent NAME CLASS LENGTHxWIDTH START_S X,Y [VX,VY*N | -*N] ...
//         a sample at X,Y, then N samples at that velocity (m/s), or N samples that are missing
//     point NAME, apart NAME
//         that agent is the ego vehicle, a point without a size, or in a frame of its own
//     lane NAME X1,X2 Y1,Y2 [left NAME] [right NAME] [next NAME]
//         a straight lane along +x between two y; left and right drive the same way
#ifndef ROADMILL_TESTS_QUERY_TRAFFIC_H
#define ROADMILL_TESTS_QUERY_TRAFFIC_H

#include "roadmill/drive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_TRACKS 16
#define TEST_STATES 512
#define TEST_LANES 16

typedef struct test_traffic {
    rml_traffic traffic;
    rml_track tracks[TEST_TRACKS];
    rml_track_state states[TEST_TRACKS][TEST_STATES];
    rml_map_element lanes[TEST_LANES];
    rml_point2 points[TEST_LANES][4];
    rml_str nexts[TEST_LANES];
    rml_arena arena;
} test_traffic;

static inline void test_agent(test_traffic *t, char *text)
{
    char name[32], class_name[32], *word;
    double length, width, start, x, y, vx, vy;
    int used, n;
    if (sscanf(text, "%31s %31s %lfx%lf %lf %lf,%lf%n", name, class_name, &length, &width, &start,
               &x, &y, &used) != 7) {
        abort();
    }
    size_t i = t->traffic.track_count++;
    rml_track *track = &t->tracks[i];
    *track = (rml_track){.track_id = rml_arena_str(&t->arena, rml_str_of(name)),
                         .length_m = length > 0 ? length : NAN,
                         .width_m = width > 0 ? width : NAN,
                         .states = t->states[i]};
    if (!rml_agent_class_parse(rml_str_of(class_name), &track->agent_class)) {
        track->agent_class = RML_AGENT_UNKNOWN;
    }
    int64_t t_ns = (int64_t)(start * 10 + 0.5) * 100000000;
    t->states[i][track->count++] = (rml_track_state){.t_ns = t_ns, .x_m = x, .y_m = y};
    for (word = strtok(text + used, " "); word != NULL; word = strtok(NULL, " ")) {
        bool there = sscanf(word, "%lf,%lf*%d", &vx, &vy, &n) == 3;
        if (!there && sscanf(word, "-*%d", &n) != 1) {
            abort();
        }
        for (int k = 0; k < n; k++) {
            t_ns += 100000000;
            x += there ? vx * 0.1 : 0;
            y += there ? vy * 0.1 : 0;
            if (there) {
                t->states[i][track->count++] = (rml_track_state){.t_ns = t_ns, .x_m = x, .y_m = y};
            }
        }
    }
}

static inline void test_lane(test_traffic *t, char *text)
{
    char name[32], *word;
    double x1, x2, y1, y2;
    int used;
    if (sscanf(text, "%31s %lf,%lf %lf,%lf%n", name, &x1, &x2, &y1, &y2, &used) != 5) {
        abort();
    }
    size_t i = t->traffic.map_count++;
    rml_map_element *e = &t->lanes[i];
    rml_point2 *p = t->points[i];
    p[0] = (rml_point2){x1, y2};
    p[1] = (rml_point2){x2, y2};
    p[2] = (rml_point2){x1, y1};
    p[3] = (rml_point2){x2, y1};
    *e = (rml_map_element){.id = rml_arena_str(&t->arena, rml_str_of(name)),
                           .kind = RML_MAP_LANE,
                           .left = {p, 2, NULL},
                           .right = {p + 2, 2, NULL},
                           .next = &t->nexts[i],
                           .speed_limit_mps = NAN};
    for (word = strtok(text + used, " "); word != NULL; word = strtok(NULL, " ")) {
        char *other = strtok(NULL, " ");
        rml_str id = rml_arena_str(&t->arena, rml_str_of(other));
        if (strcmp(word, "left") == 0) {
            e->left_id = id;
            e->left_same = true;
        } else if (strcmp(word, "right") == 0) {
            e->right_id = id;
            e->right_same = true;
        } else {
            t->nexts[i] = id;
            e->next_count = 1;
        }
    }
}

static inline void test_ego(test_traffic *t, const char *name, bool point)
{
    for (size_t i = 0; i < t->traffic.track_count; i++) {
        rml_track *track = &t->tracks[i];
        if (rml_str_equal(track->track_id, rml_str_of(name))) {
            track->is_ego = true;
            track->is_point = track->is_point || point;
            track->is_apart = track->is_apart || !point;
            return;
        }
    }
    abort();
}

// Adds one line; false if it is neither an agent nor a lane.
static inline bool test_traffic_line(test_traffic *t, const char *line)
{
    char text[512];
    snprintf(text, sizeof text, "%s", line);
    t->traffic.step_ns = 100000000;
    t->traffic.tracks = t->tracks;
    t->traffic.map = t->lanes;
    if (strncmp(text, "agent ", 6) == 0) {
        test_agent(t, text + 6);
    } else if (strncmp(text, "lane ", 5) == 0) {
        test_lane(t, text + 5);
    } else if (strncmp(text, "point ", 6) == 0 || strncmp(text, "apart ", 6) == 0) {
        test_ego(t, text + 6, text[0] == 'p');
    } else {
        return false;
    }
    return true;
}

static inline void test_traffic_clear(test_traffic *t)
{
    rml_arena_reset(&t->arena);
    memset(t, 0, sizeof *t);
}

#endif
