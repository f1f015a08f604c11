// The extension module: NEST looks for a symbol of the file's own name.

#include "competition.h"
#include "shared_kernel.h"
#include "shared_threshold.h"

namespace scnnbio
{

class SharedModule : public nest::NESTExtensionInterface
{
public:
  void
  initialize() override
  {
    nest::register_node_model< Competition >( "scnnbio_competition" );
    nest::register_node_model< SharedKernel >( "scnnbio_shared_kernel" );
    nest::register_node_model< SharedThreshold >( "scnnbio_shared_threshold" );
  }
};

}

scnnbio::SharedModule scnnbio_shared_LTX_module;
