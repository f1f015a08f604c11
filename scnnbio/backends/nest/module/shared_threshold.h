// A threshold for each map of a layer, which the map's spikes raise.

#ifndef SCNNBIO_SHARED_THRESHOLD_H
#define SCNNBIO_SHARED_THRESHOLD_H

#include "engine.h"

namespace scnnbio
{

// scnnbio.plasticity.SharedThreshold. Every neuron receives its threshold in every step, as the
// weight of an event on a separate port, which sets the value and does not add to it.
class SharedThreshold : public Engine
{
public:
  void
  set_status( const Dictionary& d ) override
  {
    Engine::set_status( d );
    d.update_value( "levels", levels_ );
    d.update_value( "fall", fall_ );
    d.update_value( "rise", rise_ );
    d.update_value( "floor", floor_ );
    d.update_value( "keep_rate", keep_rate_ );
    if ( d.update_value( "places", places_ ) )
    {
      set_sizes( 0, levels_.size() * places_ );
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
    return levels_;
  }

  void
  advance( const Units&, long ) override
  {
    rate_ *= keep_rate_;
    std::size_t unit = 0;
    for ( std::size_t map = 0; map < levels_.size(); ++map )
    {
      levels_[ map ] = std::max( levels_[ map ] - rate_ * fall_[ map ], floor_ );
      for ( long place = 0; place < places_; ++place )
      {
        deliver( unit++, levels_[ map ] );
      }
    }
  }

  void
  learn( const Units& fired ) override
  {
    for ( const std::size_t unit : fired )
    {
      levels_[ unit / places_ ] += rate_ * rise_;
    }
  }

private:
  long places_ = 0;
  Numbers levels_;
  Numbers fall_;
  double rise_ = 0.0;
  double floor_ = 0.0;
  double keep_rate_ = 1.0;
  double rate_ = 1.0;
};

}

#endif
