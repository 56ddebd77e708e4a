# `cpack -G DEB` in a build directory: the program, its systemd unit, its user and its configuration as one Debian package.
# What is needed to write operators or to embed the engine is installed by `cmake --install` only.
if(NOT TARGET potoo)
  return()
endif()

set(packaging ${CMAKE_SOURCE_DIR}/packaging)
# Not CMAKE_INSTALL_LIBDIR: systemd looks in these places whatever the architecture's library folder is.
install(FILES ${packaging}/potoo.service DESTINATION lib/systemd/system COMPONENT program)
install(FILES ${packaging}/potoo.sysusers DESTINATION lib/sysusers.d RENAME potoo.conf COMPONENT program)
install(FILES ${CMAKE_SOURCE_DIR}/docs/how-to/run-as-a-service.md DESTINATION share/doc/potoo COMPONENT program)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/potoo RENAME copyright COMPONENT program)

set(CPACK_PACKAGE_NAME potoo)
set(CPACK_PACKAGE_VENDOR potoo)
set(CPACK_PACKAGE_CONTACT "potoo <potoo@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION "potoo runs DAGs of tasks whose work is done on other machines: AWS Batch, Kubernetes, Docker, Slurm,
any HTTP job service. One program, one core, one SQLite file; no broker and no workers.")
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};program;/"
  "${CMAKE_BINARY_DIR};${PROJECT_NAME};configuration;/")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "tzdata, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS systemd)
# The configuration lies outside of the prefix, where dpkg keeps what its owner has changed; only a package puts it there.
set(CPACK_SET_DESTDIR ON)
install(FILES ${packaging}/potoo.yaml DESTINATION /etc/potoo COMPONENT configuration EXCLUDE_FROM_ALL)
install(DIRECTORY DESTINATION /etc/potoo/dags COMPONENT configuration EXCLUDE_FROM_ALL)
file(WRITE ${CMAKE_BINARY_DIR}/packaging/conffiles "/etc/potoo/potoo.yaml\n")
file(CHMOD ${CMAKE_BINARY_DIR}/packaging/conffiles PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${packaging}/postinst ${packaging}/prerm ${packaging}/postrm ${CMAKE_BINARY_DIR}/packaging/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

include(CPack)
