// Step image: every container's image stands unpacked on this machine.
#include "runtime/steps.h"

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
    work.containers.push_back(std::move(up));
  }
  return work.record.note_layers(layers);
}

/// Images stay: they are content, shared and kept. What a killed pull left unfinished is swept by the next one.
Result<> image_down(const RecordContent&) { return {}; }

}  // namespace tank::runtime
