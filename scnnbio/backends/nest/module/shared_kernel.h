// A projection with one kernel that every place of the layer shares, and nothing stored by synapse.

#ifndef SCNNBIO_SHARED_KERNEL_H
#define SCNNBIO_SHARED_KERNEL_H

#include "geometry.h"

namespace scnnbio
{

class SharedKernel : public Engine
{
public:
  void
  set_status( const Dictionary& d ) override
  {
    Engine::set_status( d );
    d.update_value( "kernel", kernel_ );
    d.update_value( "weight", weight_ );
    d.update_value( "gate", gate_ );
    Integers numbers, present;
    if ( d.update_value( "geometry", numbers ) and d.update_value( "present", present ) )
    {
      geometry_ = Geometry( numbers, present );
      set_sizes( geometry_.n_pre(), geometry_.n_post() );
      opens_.assign( geometry_.n_post(), 0 );
    }
  }

protected:
  bool
  learns() const override
  {
    return false;
  }

  const Numbers&
  values() const override
  {
    return kernel_;
  }

  void
  advance( const Units& arrived, const long step ) override
  {
    for ( const std::size_t pre : arrived )
    {
      geometry_.forward( pre,
        [ this, step ]( std::size_t post, std::size_t place )
        {
          if ( passes( post, step ) )
          {
            deliver( post, weight_ * kernel_[ place ] );
          }
        } );
    }
  }

  void
  learn( const Units& ) override
  {
  }

  Geometry geometry_;
  Numbers kernel_;
  double weight_ = 1.0;

private:
  // Pooling by the first spike: one passes, and closes the target's window until it ends, with the
  // next multiple of ``gate`` steps of the run.
  bool
  passes( const std::size_t post, const long step )
  {
    if ( gate_ == 0 )
    {
      return true;
    }
    if ( step <= opens_[ post ] )
    {
      return false;
    }
    opens_[ post ] = ( step + gate_ - 1 ) / gate_ * gate_;
    return true;
  }

  long gate_ = 0;
  Integers opens_;
};

}

#endif
