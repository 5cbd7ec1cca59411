#include "sys/machine.h"

#include <sys/utsname.h>

namespace tank::sys {

std::string machine_name() {
  utsname names{};
  // uname(2) fails only for a bad address.
  ::uname(&names);
  return names.machine;
}

}  // namespace tank::sys
