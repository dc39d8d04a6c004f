# cmake --install: program, both libraries, headers, pkg-config.
include(GNUInstallDirs)
install(TARGETS roadmill roadmill_static roadmill_shared)
install(DIRECTORY include/roadmill DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
configure_file(cmake/roadmill.pc.in roadmill.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/roadmill.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
