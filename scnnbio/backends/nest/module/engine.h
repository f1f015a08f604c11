// A node that receives every spike of some populations and acts on neurons at once.
//
// NEST's own plastic synapses are lazy: the effect of a postsynaptic spike reaches a weight only at
// the synapse's next presynaptic spike. A kernel that many places share would then depend on when
// each of them was last used. An engine receives all spikes and applies them step by step in the
// order that scnnbio/backends/base.py defines.
//
// There is one engine on every virtual process. Each receives all spikes, so each goes through the
// same sums and holds the same values; it acts only on the neurons of its own virtual process. Which
// threads and processes a network is spread over therefore changes nothing, and nothing is merged.
//
// An engine must be created before the neurons it acts on: NEST updates the nodes of a thread in
// the order of their creation, and what an engine sends in a step has to be there when the neurons
// take that step.

#ifndef SCNNBIO_ENGINE_H
#define SCNNBIO_ENGINE_H

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "nest_extension_interface.h"
#include "node.h"

namespace scnnbio
{

using Numbers = std::vector< double >;
using Integers = std::vector< long >;
using Units = std::vector< std::size_t >;

class Engine : public nest::Node
{
public:
  std::string
  get_element_type() const override
  {
    return nest::names::other;
  }

  using nest::Node::handle;
  using nest::Node::handles_test_event;

  // The port identifies the sender: afferents first, then postsynaptic neurons, then those whose
  // spikes are a signal.
  std::size_t
  handles_test_event( nest::SpikeEvent&, std::size_t port ) override
  {
    if ( port >= n_pre_ + n_post_ + n_signal_ )
    {
      throw nest::UnknownReceptorType( port, get_name() );
    }
    return port;
  }

  void
  handle( nest::SpikeEvent& e ) override
  {
    const nest::Time& origin = nest::kernel().simulation_manager.get_slice_origin();
    const std::size_t step = origin.get_steps() + e.get_rel_delivery_steps( origin ) + 1;
    Slot& slot = slots_[ step % slots_.size() ];
    const std::size_t port = e.get_rport();
    const std::size_t first = port < n_pre_ ? 0 : port < n_pre_ + n_post_ ? n_pre_ : n_pre_ + n_post_;
    Units& units = port < n_pre_ ? slot.arrived : port < n_pre_ + n_post_ ? slot.fired : slot.signal;
    units.insert( units.end(), e.get_multiplicity(), port - first );
  }

  void
  get_status( Dictionary& d ) const override
  {
    d[ "values" ] = values();
    d[ "snapshots" ] = snapshots_;
  }

  void
  set_status( const Dictionary& d ) override
  {
    d.update_value( "gap", gap_ );
    d.update_value( "period", period_ );
    d.update_value( "last", last_ );
    d.update_value( "longest", longest_ );
    d.update_value( "snapshot_steps", snapshot_steps_ );
    d.update_value( "target", target_ );
    d.update_value( "receptor", receptor_ );
  }

protected:
  // Slot 4 of the step before, for the postsynaptic neurons that fired in it.
  virtual void learn( const Units& fired ) = 0;
  // Slot 6 of the step before, by its number in the run: the first step is 1, gaps do not count.
  virtual void
  finish( long )
  {
  }
  // A trial begins from here: forget all but what was learned.
  virtual void
  restart()
  {
  }
  // Before the spikes of a step arrive: the neurons whose spikes of a signal arrive in it.
  virtual void
  signal( const Units& )
  {
  }
  // Slots 1 and 2, with the afferents whose spikes arrive, and the step's number in the run.
  virtual void advance( const Units& arrived, long step ) = 0;
  virtual const Numbers& values() const = 0;
  virtual bool learns() const = 0;

  void
  set_sizes( std::size_t n_pre, std::size_t n_post )
  {
    n_pre_ = n_pre;
    n_post_ = n_post;
  }

  void
  set_signals( std::size_t n_signal )
  {
    n_signal_ = n_signal;
  }

  // Adds to what a neuron receives in this step, if it is one of this virtual process.
  void
  deliver( std::size_t unit, double amount )
  {
    if ( nest::Node* const target = targets_[ unit ] )
    {
      event_.set_weight( amount );
      target->handle( event_ );
    }
  }

  // Tells an engine of a spike of the step before, as a connection of this delay would.
  void
  pass_on( nest::Node& engine, std::size_t port, long delay )
  {
    event_.set_delay_steps( delay );
    event_.set_rport( port );
    engine.handle( event_ );
  }

private:
  // What happened in one step.
  struct Slot
  {
    Units arrived;
    Units fired;
    Units signal;
  };

  void
  init_buffers_() override
  {
    slots_.clear();
  }

  void
  pre_run_hook() override
  {
    const long least = nest::kernel().connection_manager.get_min_delay();
    if ( learns() and least != 1 )
    {
      throw nest::BadProperty( "an engine that learns needs a shortest delay of one step" );
    }
    const long most = std::max( longest_, nest::kernel().connection_manager.get_max_delay() );
    slots_.resize( std::max< std::size_t >( slots_.size(), least + most + 1 ) );
    if ( targets_.size() != n_post_ )
    {
      find_targets();
    }
  }

  virtual void
  find_targets()
  {
    const auto& local = nest::kernel().node_manager.get_local_nodes( get_thread() );
    targets_.assign( n_post_, nullptr );
    event_.set_sender( *this );
    event_.set_delay_steps( 1 );
    for ( std::size_t unit = 0; unit < n_post_; ++unit )
    {
      targets_[ unit ] = local.get_node_by_node_id( target_ + unit );
      if ( targets_[ unit ] )
      {
        event_.set_rport( targets_[ unit ]->handles_test_event( event_, receptor_ ) );
      }
    }
  }

  void
  update( const nest::Time& origin, const long from, const long to ) override
  {
    for ( long lag = from; lag < to; ++lag )
    {
      // The step that ends at this number.
      const long step = origin.get_steps() + lag + 1;
      Slot& slot = slots_[ step % slots_.size() ];
      event_.set_stamp( nest::Time::step( step - 1 ) );
      take( step, slot );
      slot.arrived.clear();
      slot.fired.clear();
      slot.signal.clear();
    }
  }

  void
  take( const long step, Slot& slot )
  {
    // Spikes come in NEST's order, which depends on threads.
    std::sort( slot.arrived.begin(), slot.arrived.end() );
    std::sort( slot.fired.begin(), slot.fired.end() );
    std::sort( slot.signal.begin(), slot.signal.end() );
    if ( step <= last_ + 1 and is_active( step - 1 ) )
    {
      learn( slot.fired );
      finish( in_run( step - 1 ) );
    }
    if ( std::binary_search( snapshot_steps_.begin(), snapshot_steps_.end(), step ) )
    {
      snapshots_.insert( snapshots_.end(), values().begin(), values().end() );
    }
    if ( not is_active( step ) )
    {
      restart();
    }
    else if ( step <= last_ )
    {
      signal( slot.signal );
      advance( slot.arrived, in_run( step ) );
    }
  }

  // Neurons are at rest in the gap before each trial, or before the first one if there is no period.
  bool
  is_active( const long step ) const
  {
    return ( period_ > 0 ? ( step - 1 ) % period_ : step - 1 ) >= gap_;
  }

  long
  in_run( const long step ) const
  {
    const long gaps = period_ > 0 ? ( step - 1 ) / period_ + 1 : 1;
    return step - gaps * gap_;
  }

  long gap_ = 0;
  long period_ = 0;
  long last_ = 0;
  // Delay of what a competition passes on, which NEST does not know.
  long longest_ = 1;
  Integers snapshot_steps_;
  long target_ = 0;
  long receptor_ = 0;
  std::size_t n_pre_ = 0;
  std::size_t n_post_ = 0;
  std::size_t n_signal_ = 0;
  Numbers snapshots_;
  std::vector< Slot > slots_;
  std::vector< nest::Node* > targets_;
  nest::SpikeEvent event_;
};

}

#endif
