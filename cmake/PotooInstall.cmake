# What `cmake --install` puts where: the program, the public headers, and the libraries for programs that embed the engine.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

string(REGEX MATCH "^[0-9]+" POTOO_COMPILER_MAJOR "${CMAKE_CXX_COMPILER_VERSION}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(POTOO_COMPILER_COMMAND clang++-${POTOO_COMPILER_MAJOR})
else()
  set(POTOO_COMPILER_COMMAND g++-${POTOO_COMPILER_MAJOR})
endif()
set(POTOO_COMPILER_ID ${CMAKE_CXX_COMPILER_ID})
set(POTOO_PLUGIN_VERSION ${PROJECT_VERSION})
set(POTOO_PLUGIN_SANITIZE "${POTOO_SANITIZE}")
include(PotooOperators)

# Those that a plugin may call, or that register operators.
set(whole text task loop graph net remote aws postgres operators sensors)
set(folders ${whole} schedule journal process runtime host)

add_library(potoo_engine INTERFACE)
add_library(potoo::engine ALIAS potoo_engine)
target_link_libraries(potoo_engine INTERFACE potoo_operators potoo_sensors potoo_host)
set_target_properties(potoo_engine PROPERTIES EXPORT_NAME engine)

set(exported potoo_headers potoo_engine_root potoo_options potoo_engine)
set(whole_in_tree)
set(POTOO_WHOLE_ARCHIVES)
foreach(folder ${folders})
  get_target_property(type potoo_${folder} TYPE)
  set_target_properties(potoo_${folder} PROPERTIES EXPORT_NAME ${folder})
  list(APPEND exported potoo_${folder})
  if(folder IN_LIST whole AND type STREQUAL "STATIC_LIBRARY")
    string(APPEND whole_in_tree ,$<TARGET_FILE:potoo_${folder}>)
    string(APPEND POTOO_WHOLE_ARCHIVES ,$<TARGET_FILE:potoo::${folder}>)
  endif()
endforeach()
set_target_properties(potoo_engine_root PROPERTIES EXPORT_NAME engine_root)
set_target_properties(potoo_options PROPERTIES EXPORT_NAME options)

# Not $<LINK_LIBRARY:WHOLE_ARCHIVE,…>: that cannot be mixed with the ordinary links among the libraries. Options stand
# before all libraries, so that nothing of these archives is taken twice.
target_link_options(potoo_engine INTERFACE
  $<BUILD_INTERFACE:-Wl,--push-state,--whole-archive${whole_in_tree},--pop-state>)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/potoo)
install(TARGETS ${exported} EXPORT potooTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT potooTargets NAMESPACE potoo:: DESTINATION ${package_dir} COMPONENT development)
install(DIRECTORY include/potoo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN *.hpp)

configure_package_config_file(cmake/PotooConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/potooConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/potooConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/potooConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/potooConfigVersion.cmake
  cmake/PotooOperators.cmake cmake/plugin_entry.cpp DESTINATION ${package_dir} COMPONENT development)

if(TARGET potoo)
  install(TARGETS potoo RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endif()
