# What other people wrote. Linked as archives where Debian has them: starting a cached pod must not pay the dynamic
# loader for libraries that only a pull needs. libcurl and ISA-L, which come without a usable archive, are loaded when a
# pull happens (docs/decisions/static-libraries.md).

find_package(Threads REQUIRED)

# tank_archive(yaml libyaml-cpp.a): makes dep::yaml.
function(tank_archive name file)
  find_library(TANK_LIB_${name} NAMES ${file} REQUIRED)
  add_library(dep::${name} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(dep::${name} INTERFACE ${TANK_LIB_${name}} ${ARGN})
endfunction()

tank_archive(yaml libyaml-cpp.a)
tank_archive(json libboost_json.a)
tank_archive(seccomp libseccomp.a)
tank_archive(zstd libzstd.a)
tank_archive(zlib libz.a)
tank_archive(crypto libcrypto.a Threads::Threads)
tank_archive(archive libarchive.a dep::zlib)

find_library(TANK_LIB_mnl NAMES mnl REQUIRED)
add_library(dep::mnl INTERFACE IMPORTED GLOBAL)
target_link_libraries(dep::mnl INTERFACE ${TANK_LIB_mnl})
