# tests/ROOM/NAME.c becomes the program tests/ROOM_NAME: one program a file, so that a crash costs
# one file. They alone may see a room's private headers. examples/*.c are built beside them.
pkg_check_modules(CMOCKA REQUIRED cmocka)
file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/*.c)
foreach(source IN LISTS tests)
  get_filename_component(name ${source} NAME_WE)
  get_filename_component(folder ${source} DIRECTORY)
  get_filename_component(room ${folder} NAME)
  set(target test_${room}_${name})
  add_executable(${target} ${source})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests
    OUTPUT_NAME ${room}_${name})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src/${room} ${PROJECT_SOURCE_DIR}/tests
    ${CMOCKA_INCLUDE_DIRS})
  target_link_libraries(${target} PRIVATE rml_flags roadmill_static ${CMOCKA_LINK_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY RML_TEST_TARGETS ${target})
endforeach()
get_property(all_tests GLOBAL PROPERTY RML_TEST_TARGETS)
add_custom_target(tests DEPENDS ${all_tests} roadmill)

file(GLOB examples CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(source IN LISTS examples)
  get_filename_component(name ${source} NAME_WE)
  add_executable(example_${name} ${source})
  set_target_properties(example_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples
    OUTPUT_NAME ${name})
  target_link_libraries(example_${name} PRIVATE rml_flags roadmill_static)
endforeach()
