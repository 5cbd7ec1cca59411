// The up and down of every step in the bring-up table. Up: from the living objects. Down: idempotent, from the record.
#pragma once

#include "runtime/bring_up.h"

namespace tank::runtime {

Result<> image_up(BringUp& work);
Result<> image_down(const RecordContent& record);
Result<> rootfs_up(BringUp& work);
Result<> rootfs_down(const RecordContent& record);
Result<> cgroup_up(BringUp& work);
Result<> cgroup_down(const RecordContent& record);
Result<> sandbox_up(BringUp& work);
Result<> sandbox_down(const RecordContent& record);
Result<> network_up(BringUp& work);
Result<> network_down(const RecordContent& record);
Result<> limits_up(BringUp& work);
Result<> limits_down(const RecordContent& record);
Result<> proceed_up(BringUp& work);
Result<> proceed_down(const RecordContent& record);

}  // namespace tank::runtime
