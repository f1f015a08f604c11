// Competition for firing and learning in a layer: scnnbio.plasticity.WinnerTakeAll.
//
// It is between the neurons and all other nodes. A spike of a neuron means that it crossed its
// threshold, and the spike's offset is the excess; it is sent only here. Decisions of the next step
// are sent to the engines with the delay that a connection from the neuron would have had, at
// least one step: in time, if the competition was created before them.

#ifndef SCNNBIO_COMPETITION_H
#define SCNNBIO_COMPETITION_H

#include <cstdlib>

#include "engine.h"

namespace scnnbio
{

class Competition : public Engine
{
public:
  void
  handle( nest::SpikeEvent& e ) override
  {
    // It is read in this step, and a neuron crosses its threshold once per step.
    excess_[ e.get_rport() ] = e.get_offset();
    Engine::handle( e );
  }

  void
  get_status( Dictionary& d ) const override
  {
    Engine::get_status( d );
    d[ "logged_steps" ] = logged_steps_;
    d[ "logged_units" ] = logged_units_;
  }

  void
  set_status( const Dictionary& d ) override
  {
    Engine::set_status( d );
    d.update_value( "columns", columns_ );
    d.update_value( "radius", radius_ );
    d.update_value( "winners", most_ );
    d.update_value( "silence", silence_ );
    d.update_value( "trial", trial_ );
    d.update_value( "log", log_ );
    update_ears( d, "fired", of_fired_ );
    update_ears( d, "learned", of_learned_ );
    long maps = 0;
    if ( d.update_value( "maps", maps ) and d.update_value( "places", places_ ) )
    {
      set_sizes( 0, maps * places_ );
      excess_.assign( maps * places_, 0.0 );
      winner_.assign( maps, none );
      owner_.assign( places_, none );
    }
    long n_logged = 0;
    if ( d.update_value( "n_logged", n_logged ) )
    {
      logged_steps_.resize( n_logged );
      logged_units_.resize( n_logged );
    }
  }

protected:
  bool
  learns() const override
  {
    return true;
  }

  const Numbers&
  values() const override
  {
    return nothing_;
  }

  void
  advance( const Units&, long ) override
  {
  }

  void
  learn( const Units& crossed ) override
  {
    decide( crossed );
    tell( of_fired_, fired_ );
    tell( of_learned_, learned_ );
  }

  // A trial's end is one of the competition, whether or not states are reset.
  void
  finish( const long step ) override
  {
    if ( log_ )
    {
      logged_steps_.insert( logged_steps_.end(), fired_.size(), step );
      logged_units_.insert( logged_units_.end(), fired_.begin(), fired_.end() );
    }
    if ( step % trial_ == 0 )
    {
      std::fill( winner_.begin(), winner_.end(), none );
      std::fill( owner_.begin(), owner_.end(), none );
    }
  }

private:
  static constexpr long none = -1;

  // A receiver, by the number of the first of its engines, with its port and delay.
  struct Ear
  {
    long first;
    long port;
    long delay;
    nest::Node* node;
  };

  // The receiving engines of this virtual process.
  void
  find_targets() override
  {
    const auto& local = nest::kernel().node_manager.get_local_nodes( get_thread() );
    const std::size_t engines = nest::kernel().vp_manager.get_num_virtual_processes();
    for ( std::vector< Ear >* const ears : { &of_fired_, &of_learned_ } )
    {
      for ( Ear& ear : *ears )
      {
        for ( std::size_t k = 0; k < engines and not ear.node; ++k )
        {
          ear.node = local.get_node_by_node_id( ear.first + k );
        }
      }
    }
  }

  static void
  update_ears( const Dictionary& d, const std::string& what, std::vector< Ear >& ears )
  {
    Integers engines, ports, delays;
    if ( not d.update_value( what + "_engines", engines ) )
    {
      return;
    }
    d.update_value( what + "_ports", ports );
    d.update_value( what + "_delays", delays );
    if ( ports.size() != engines.size() or delays.size() != engines.size() )
    {
      throw nest::BadProperty( "an engine that is told needs a port and a delay" );
    }
    ears.clear();
    for ( std::size_t i = 0; i < engines.size(); ++i )
    {
      ears.push_back( { engines[ i ], ports[ i ], delays[ i ], nullptr } );
    }
  }

  void
  tell( const std::vector< Ear >& ears, const Units& units )
  {
    for ( const Ear& ear : ears )
    {
      for ( const std::size_t unit : units )
      {
        pass_on( *ear.node, ear.port + unit, ear.delay );
      }
    }
  }

  // The farthest first, and by number where that is equal.
  void
  decide( const Units& crossed )
  {
    Units order = crossed;
    std::stable_sort( order.begin(),
      order.end(),
      [ this ]( std::size_t one, std::size_t other ) { return excess_[ one ] > excess_[ other ]; } );
    fired_.clear();
    learned_.clear();
    for ( const std::size_t unit : order )
    {
      const long map = unit / places_;
      const long place = unit % places_;
      if ( silence_ )
      {
        owner_[ place ] = owner_[ place ] == none ? map : owner_[ place ];
        if ( owner_[ place ] != map )
        {
          continue;
        }
      }
      fired_.push_back( unit );
      if ( wins( map, place ) )
      {
        winner_[ map ] = place;
        learned_.push_back( unit );
      }
    }
  }

  bool
  wins( const long map, const long place ) const
  {
    if ( winner_[ map ] != none )
    {
      return winner_[ map ] == place;
    }
    long won = 0;
    for ( const long other : winner_ )
    {
      if ( other == none )
      {
        continue;
      }
      ++won;
      const long rows = std::abs( place / columns_ - other / columns_ );
      const long columns = std::abs( place % columns_ - other % columns_ );
      if ( rows <= radius_ and columns <= radius_ )
      {
        return false;
      }
    }
    return most_ == 0 or won < most_;
  }

  long places_ = 1;
  long columns_ = 1;
  long radius_ = 0;
  // Of all maps in a trial; 0 sets no limit.
  long most_ = 0;
  bool silence_ = false;
  long trial_ = 1;
  bool log_ = false;
  std::vector< Ear > of_fired_;
  std::vector< Ear > of_learned_;
  Numbers excess_;
  // By map: the place of its winner. By place: the map whose neuron fired first.
  Integers winner_;
  Integers owner_;
  // In the step before.
  Units fired_;
  Units learned_;
  Integers logged_steps_;
  Integers logged_units_;
  const Numbers nothing_;
};

}

#endif
