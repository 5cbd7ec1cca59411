// Step image: every container's image stands unpacked on this machine.
#include "runtime/steps.h"
#include "sys/file.h"

namespace tank::runtime {

Result<> image_up(BringUp& work) {
  std::vector<std::string> layers;
  for (const Container& container : work.pod.containers) {
    ContainerWork up;
    up.container = &container;
    PullOptions options = work.options.image;
    options.stop = work.cancel;
    up.image = TRY(ensure_image(work.options.data_dir, container.image, container.pull_policy, options)
                       .while_doing("container '", container.name, "'"));
    for (const std::filesystem::path& layer : up.image.layers) layers.push_back(layer.native());
    // Noted one by one, and before the next pull: what stands in a record is not removed.
    TRY(work.record.note_layers(layers));
    for (const std::filesystem::path& layer : up.image.layers) {
      TRY(sys::open_dir(layer).while_doing("container '", container.name, "': its image was just removed"));
    }
    work.containers.push_back(std::move(up));
  }
  return {};
}

/// Images stay: they are content, shared and kept. What a killed pull left unfinished is swept by the next one.
Result<> image_down(const RecordContent&) { return {}; }

}  // namespace tank::runtime
