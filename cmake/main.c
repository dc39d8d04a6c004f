// The program: hands its arguments to the cli room.
#include "roadmill/cli.h"

int main(int argc, char **argv)
{
    return rml_cli_main(argc, argv);
}
