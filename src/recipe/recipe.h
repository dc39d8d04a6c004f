// A recipe as parsed: which channels, how their samples stand for an instant, and what each column
// of `ego` is computed from. docs/recipes.md describes the language.
#ifndef ROADMILL_RECIPE_RECIPE_H
#define ROADMILL_RECIPE_RECIPE_H

#include "roadmill/recipe.h"

enum {
    RECIPE_CHANNELS_MAX = 16,
    RECIPE_KEEPS_MAX = 8,
    RECIPE_INPUTS_MAX = 8,
    RECIPE_WITHOUT_MAX = 8
};

// The numeric columns of `ego` that a recipe may fill, in the order of the table.
typedef enum rml_ego_column {
    RML_EGO_X,
    RML_EGO_Y,
    RML_EGO_Z,
    RML_EGO_ROLL,
    RML_EGO_PITCH,
    RML_EGO_YAW,
    RML_EGO_VX,
    RML_EGO_VY,
    RML_EGO_YAW_RATE,
    RML_EGO_AX,
    RML_EGO_AY,
    RML_EGO_STEERING,
    RML_EGO_COLUMNS
} rml_ego_column;
extern const char *const rml_ego_column_names[RML_EGO_COLUMNS];

// Where a NavSatFix lies: geodetic, WGS 84.
typedef struct rml_geodetic {
    double latitude_deg, longitude_deg, height_m;
} rml_geodetic;
typedef struct rml_enu {
    double east_m, north_m, up_m;
} rml_enu;
// Position in the frame whose origin touches the ellipsoid's normal at `origin`: x east, y north,
// z up. Source: NIMA TR8350.2 (WGS 84), and the usual rotation of earth-fixed into local axes.
rml_enu rml_enu_of(rml_geodetic origin, rml_geodetic position);

// A function of samples: `value` gets the inputs of one sample; `series` all samples of a channel.
typedef struct recipe_function {
    const char *name;                  // "" is the field itself
    size_t arguments;                  // 1 or 2
    const char *components[2][4];      // of each argument, NULL ends; "" is the field itself
    bool whole_channel;                // the argument names a channel, not a field
    bool angle;                        // interpolated the shorter way round
    double (*value)(const double *in); // NULL if it needs the samples before
    // in[i * inputs .. ]: sample i; origin: of the place, for positions.
    void (*series)(const double *in, const int64_t *times_ns, size_t count,
                   const rml_geodetic *origin, double *out);
} recipe_function;
const recipe_function *rml_recipe_function_find(rml_str name);
// Of a quaternion x, y, z, w; NaN if its length is not near 1. What the language calls yaw.
double rml_recipe_yaw(const double *q);
size_t rml_recipe_function_inputs(const recipe_function *f); // components of all arguments
// Frames that stand still (REP 105), also below a name space: "robot/map".
bool rml_recipe_frame_stands(rml_str frame);
// The names, for an error: "yaw, roll, ...".
size_t rml_recipe_function_names(char *text, size_t size);

typedef struct recipe_keep {
    rml_str field;
    double at_least, at_most; // NaN: no bound
    rml_place at;
} recipe_keep;

typedef struct recipe_channel {
    rml_str name, type, topic;
    rml_str without[RECIPE_WITHOUT_MAX]; // words that its topic does not hold
    size_t without_count;
    rml_clock_policy policy;
    int64_t tolerance_ns;
    bool required;
    recipe_keep keeps[RECIPE_KEEPS_MAX];
    size_t keep_count;
    rml_place at; // of the type
} recipe_channel;

// An input of a value: a field of the value's channel.
typedef struct recipe_value {
    const recipe_function *function; // NULL: the column is not filled
    size_t channel;
    rml_str arguments[2]; // fields
    rml_place at;
} recipe_value;

typedef enum recipe_time { RECIPE_TIME_SENSOR, RECIPE_TIME_PUBLISH, RECIPE_TIME_LOG } recipe_time;

struct rml_recipe {
    rml_arena arena;
    rml_str name, file;
    recipe_time time;
    recipe_channel channels[RECIPE_CHANNELS_MAX];
    size_t channel_count;
    size_t driver;
    rml_str frame;       // the text, or
    rml_str frame_field; // a field of the driver
    rml_place frame_at;
    bool frame_stands; // instants in a frame that moves are rejects
    recipe_value values[RML_EGO_COLUMNS];
    bool has_vehicle; // its size, and the way from the middle of the rear axle to that of its box
    double length_m, width_m, axle_to_centre_m; // NaN without
    rml_hash hash; // of the canonical JSON of what is said, not of how it is written
};

extern const char *const rml_recipe_time_names[3];
extern const char *const rml_recipe_policy_names[3];

#endif
